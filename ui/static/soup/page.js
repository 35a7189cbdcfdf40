// The Soup page: what the brief, examples and training are each worth, what to do next, and two cells' answers side by side.
import { keeper, place } from "../rounds/redraw.js";
import { advice, gains } from "./advice.js";
import { pictures } from "./pictures.js";
import { looks } from "./looks.js";
import { table } from "./table.js";

const { call, whenThere, element: el, t, parts } = window.feedbackLoop;
const REFRESH = 30_000;

whenThere("fl-soup", (page) => {
  const keep = keeper();

  async function refresh() {
    try {
      draw(await call("GET", "/soup"));
    } catch (problem) {
      if (!page.children.length) page.replaceChildren(el("p", { class: "fl-error", role: "alert" }, problem.message));
    }
  }

  function draw({ soup, cooking, curve, requirements, command }) {
    const cooks = cooking ? keep("cooking", [cooking, !soup], () => said(cooking, soup)) : null;
    place(page, soup ? [
      keep("head", soup, () => head(soup)),
      cooks,
      keep("advice", soup, () => advice(soup)),
      keep("gains", soup, () => gains(soup)),
      keep("pictures", [soup, curve], () => pictures(soup, curve)),
      keep("table", [soup, requirements], () => table(soup, requirements)),
      soup.cells.length > 1 ? keep("looks", soup, () => looks(soup)) : null,
      keep("how", command, () => el("p", { class: "fl-note" }, ...parts("soup.again", { command: el("code", {}, command) }))),
    ] : [
      cooks || keep("empty", command, () => empty(command)),
      curve.length ? keep("pictures", [soup, curve], () => pictures(soup, curve)) : null,
    ]);
  }

  function head(soup) {
    return el("header", { class: "fl-head" }, el("div", {}, el("h1", {}, t("page.soup")), el("p", {}, t("soup.of", { ...soup, n: soup.requests }))));
  }

  // A soup that is being made at the moment: before there is one that is all there is to say.
  function said(cooking, soup) {
    const since = t("soup.cooking", { since: cooking });
    return soup ? el("p", { class: "fl-soup-cooking", role: "status" }, [since, t("soup.cooking.then"), t("soup.cooking.before")].join(" "))
      : el("div", { class: "fl-empty fl-soup-empty" }, el("h1", {}, t("soup.cooking.title")), el("p", { role: "status" }, since), el("p", {}, t("soup.cooking.then")));
  }

  function empty(command) {
    return el("div", { class: "fl-empty fl-soup-empty" }, el("h1", {}, t("soup.empty.title")), el("p", {}, t("soup.empty")),
      el("pre", { tabindex: "0" }, el("code", {}, command)), el("p", {}, t("soup.empty.then")));
  }

  refresh();
  setInterval(() => { if (!document.hidden) refresh(); }, REFRESH);
});
