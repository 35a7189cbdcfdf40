// What this person has answered in the open round: found again, and opened to be changed.
import { summary } from "./card.js";
import { openSheet } from "./dialog.js";

const { call, element: el, t, when } = window.feedbackLoop;
const PAUSE = 150; // ms without a letter after which is searched

export function openHistory(page, flow) {
  const list = el("ol", { class: "fl-answered" }), note = el("p", { class: "fl-note", role: "status" });
  const field = el("input", { type: "search", id: "fl-history-search", placeholder: t("history.search"), "aria-label": t("history.search"), maxlength: "200" });
  const sheet = openSheet(page, { id: "fl-history-sheet", title: t("label.history"), field }, field, note, list);
  if (!sheet) return;
  let asked = 0, pause = 0;

  async function search() {
    const mine = ++asked;
    try {
      await flow.send();
      const { items, found } = await call("GET", `/history?q=${encodeURIComponent(field.value)}`);
      if (mine !== asked) return;
      list.replaceChildren(...items.map((item) => line(item, open)));
      note.textContent = found ? t("history.found", { n: found }) + (found > items.length ? ` ${t("history.newest", { n: items.length })}` : "") : t(field.value ? "history.none_found" : "history.none");
    } catch (problem) { note.textContent = problem.message; }
  }

  async function open(id) {
    try {
      const card = await call("GET", `/history/${encodeURIComponent(id)}`);
      if (!sheet.isConnected) return; // left meanwhile
      sheet.close();
      flow.reopen(card);
    } catch (problem) { note.textContent = problem.message; }
  }

  field.addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(search, PAUSE); });
  sheet.addEventListener("keydown", (event) => walk(event, field, list));
  search();
}

function line(item, open) {
  const { said } = item;
  const marks = [said.flagged && t("label.flag"), said.comment && t("label.comment"), said.edit && t("label.edit"), item.revisions && t("history.revisions", { n: item.revisions })];
  return el("li", {}, el("button", { type: "button", "data-comparison-id": item.id, onclick: () => open(item.id) },
    el("span", { class: "fl-asked", dir: "auto" }, item.request),
    el("span", { class: "fl-said-line" }, el("b", {}, summary(said)), marks.filter(Boolean).map((mark) => el("i", {}, mark)), el("time", { datetime: item.at }, when(item.at)))));
}

// The arrow keys go from the field through the lines, as in any list.
function walk(event, field, list) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by || event.isComposing) return;
  const lines = [field, ...list.querySelectorAll("button")], at = lines.indexOf(document.activeElement) + by;
  if (!lines[at]) return;
  event.preventDefault();
  lines[at].focus();
}
