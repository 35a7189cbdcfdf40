// Two cells' answers to one request, side by side: which is better is said blind, then it is shown whose they were. A look, no label.
import { digitOf, isTyping } from "../label/keys.js";
import { called, hasBrief } from "./names.js";

const { call, element: el, t, reading } = window.feedbackLoop;
const SAID = ["first", "second", "tie"];

export function looks(soup) {
  const names = soup.cells.map(({ cell }, n) => `${n + 1}. ${called(cell, hasBrief(soup))}`);
  const score = { wins: new Map(), ties: 0 };
  let at = 0, latest = 0, shown = null; // the look that waits for an answer
  const choice = (id, chosen) => el("select", { id, onchange: begin }, names.map((name, n) => new Option(name, n, n === chosen, n === chosen)));
  const best = soup.front.at(-1) ?? 0, one = choice("fl-soup-one", best), other = choice("fl-soup-other", best === 0 ? 1 : 0);
  const body = el("div", {}), said = el("p", { id: "fl-soup-said", role: "status" });

  // Nothing is asked for until somebody wants to look.
  const start = el("button", { type: "button", class: "fl-primary", id: "fl-soup-start", onclick: begin }, t("soup.looks.start"));
  body.append(start);

  function begin() {
    Object.assign(score, { wins: new Map(), ties: 0 });
    at = 0;
    said.textContent = "";
    next();
  }

  async function next() {
    const mine = ++latest;
    shown = null;
    if (one.value === other.value) return body.replaceChildren(el("p", { class: "fl-said" }, t("soup.looks.alike")));
    try {
      const found = await call("GET", `/soup/look?${new URLSearchParams({ one: one.value, other: other.value, at })}`);
      if (mine === latest) show(found);
    } catch (problem) { if (mine === latest) complain(problem); }
  }

  const complain = (problem) => body.replaceChildren(el("p", { class: "fl-error", role: "alert" }, problem.message));

  function show(found) {
    const passed = found.same ? ` ${t("soup.looks.same", { n: found.same, all: found.same + found.of })}` : "";
    if (!found.id) {
      body.replaceChildren(el("p", { class: "fl-said" }, t(found.of ? "soup.looks.end" : "soup.looks.none"), passed), found.of ? again() : "");
      body.querySelector("button")?.focus();
      return;
    }
    shown = found;
    const asked = el("p", { class: "fl-asked", dir: "auto", tabindex: "-1" }, found.request);
    body.replaceChildren(el("p", { class: "fl-note" }, t("soup.looks.place", { at: at + 1, n: found.of }), passed), asked,
      el("div", { class: "fl-answers" }, found.answers.map((piece, n) => answer(piece, n))),
      el("div", { class: "fl-soup-say" }, SAID.map((name, n) => el("button", { type: "button", "data-said": name, onclick: () => say(name) }, el("kbd", {}, n + 1), t(`said.${name}`)))));
    if (document.activeElement?.tagName !== "SELECT") asked.focus({ preventScroll: true }); // so that the keys are heard
  }

  const again = () => el("button", { type: "button", onclick: begin }, t("soup.looks.again"));

  function answer(piece, n) {
    return el("section", { class: "fl-answer", tabindex: "0", "aria-label": t(`side.${SAID[n]}`) }, el("h3", {}, t(`side.${SAID[n]}`)), el("div", { class: "fl-text", dir: "auto" }, reading.written(piece)));
  }

  async function say(name) {
    if (!shown) return;
    const { id } = shown, mine = latest;
    shown = null;
    try {
      const whose = await call("GET", `/soup/look/${id}`);
      if (mine === latest) reveal(name, whose);
    } catch (problem) { if (mine === latest) complain(problem); }
  }

  function reveal(name, whose) {
    if (name === "tie") score.ties += 1;
    else score.wins.set(whose[name], (score.wins.get(whose[name]) || 0) + 1);
    const [first, second] = [whose.first, whose.second];
    body.querySelectorAll(".fl-answer").forEach((box, n) => {
      const cell = [first, second][n];
      box.querySelector("h3").textContent = `${t(`side.${SAID[n]}`)}: ${names[cell]}`;
      box.dataset.chosen = SAID[n] === name;
    });
    const wins = (select) => score.wins.get(Number(select.value)) || 0;
    const were = el("span", { class: "fl-unseen" }, t("soup.looks.were", { first: names[first], second: names[second] }), " "); // it is seen above
    said.replaceChildren(were, t("soup.looks.score", { one: Number(one.value) + 1, wins: wins(one), other: Number(other.value) + 1, losses: wins(other), ties: score.ties }));
    at += 1;
    const on = el("button", { type: "button", class: "fl-primary", id: "fl-soup-next", onclick: next }, t("soup.looks.next"));
    body.querySelector(".fl-soup-say").replaceChildren(on);
    on.focus({ preventScroll: true });
  }

  function keys(event) {
    const name = SAID[digitOf(event) - 1];
    if (!name || isTyping(event.target) || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    say(name);
  }

  return el("section", { class: "fl-soup-part fl-soup-looks", "aria-label": t("soup.looks"), onkeydown: keys }, el("h2", {}, t("soup.looks")), el("p", { class: "fl-note" }, t("soup.looks.how")),
    el("div", { class: "fl-chat-choices" }, el("label", {}, t("soup.looks.one"), one), el("label", {}, t("soup.looks.other"), other)), body, said);
}
