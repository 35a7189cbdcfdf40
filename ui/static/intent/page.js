// The Intent page: what people seem to want, on which evidence; owners take it into the brief or dismiss it.
import { keeper, place } from "../rounds/redraw.js";
import { proposal } from "./proposal.js";

const { call, whenThere, element: el, t } = window.feedbackLoop;
const REFRESH = 30_000;

whenThere("fl-intent", (page) => {
  const keep = keeper();
  const said = el("p", { class: "fl-said", id: "fl-intent-said", role: "status" });
  const problem = el("p", { class: "fl-error", id: "fl-intent-problem", role: "alert", hidden: true });

  async function refresh() {
    try {
      draw(await call("GET", "/intent"));
    } catch (error) {
      if (!page.children.length) page.replaceChildren(el("p", { class: "fl-error", role: "alert" }, error.message));
    }
  }

  async function act(what, body, words) {
    try {
      await call("POST", `/intent/${what}`, body);
      Object.assign(problem, { textContent: "", hidden: true });
      said.textContent = what === "accept" ? `${t("intent.done", { text: body.text })} ${t("intent.after")}` : t("intent.gone", { text: words });
    } catch (error) {
      said.textContent = "";
      Object.assign(problem, { textContent: error.message, hidden: false });
    }
    await refresh();
    (problem.hidden ? said : problem).scrollIntoView({ block: "nearest" });
  }

  function draw(found) {
    if (!found.labels && !found.proposals.length) {
      place(page, [keep("empty", found.labels, () => el("div", { class: "fl-empty" }, el("h1", {}, t("intent.empty.title")), el("p", {}, t("intent.empty"))))]);
      return;
    }
    const of = (head) => found.proposals.filter((p) => (p.state === "proposed" ? p.confidence : p.state) === head);
    place(page, [
      keep("head", [found.labels, found.choices, found.edits, found.comments], () => head(found)),
      problem, said,
      of("likely").length + of("perhaps").length + of("quoted").length ? null : keep("nothing", found.brief.length > 0, () => el("p", { id: "fl-intent-nothing" }, t(found.brief.length ? "intent.nothing.more" : "intent.nothing"))),
      part("likely", of("likely"), found.owner), part("perhaps", of("perhaps"), found.owner), part("quoted", of("quoted"), found.owner),
      found.brief.length ? keep("brief", found.brief, () => brief(found.brief)) : null,
      part("accepted", of("accepted"), found.owner), part("dismissed", of("dismissed"), found.owner),
    ]);
  }

  // A part holds its proposals by their keys, so that what somebody types in one stays while another goes.
  function part(name, proposals, owner) {
    if (!proposals.length) return null;
    const { box, list } = keep(`part ${name}`, 0, () => {
      const list = el("ul", { class: "fl-intent-list" }), how = `intent.head.${name}.how`;
      const box = el("section", { class: "fl-intent-part", "data-part": name }, el("h2", {}, title(name)), name in HOW ? el("p", { class: "fl-note" }, t(how)) : null, list);
      return { box, list };
    });
    place(list, proposals.map((p) => keep(`${name} ${p.key}`, [{ ...p, number: 0 }, owner], () => proposal(p, owner, act))));
    return box;
  }

  const HOW = { likely: 1, perhaps: 1, quoted: 1 };
  const title = (name) => t(`intent.head.${name}`);

  function head(found) {
    return el("header", { class: "fl-head" }, el("div", {}, el("h1", {}, t("page.intent")), el("p", {}, t("intent.of", { ...found, n: found.labels }))));
  }

  function brief(standings) {
    const verdict = (s) => t(`intent.verdict.${s.verdict.replace(" ", "_")}`);
    return el("section", { class: "fl-intent-part", "data-part": "brief" }, el("h2", {}, title("brief")), standings.length > 1 ? el("p", { class: "fl-note" }, t("intent.head.brief.how")) : null,
      el("ul", { class: "fl-intent-brief" }, standings.map((s) => el("li", { "data-verdict": s.verdict },
        el("span", { dir: "auto" }, s.text), el("small", {}, t("intent.standing", { ...s, verdict: verdict(s) }))))));
  }

  refresh();
  setInterval(() => { if (!document.hidden) refresh(); }, REFRESH);
});
