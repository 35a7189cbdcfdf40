// The Rounds page: everything but samples and lessons is in one answer of the app, asked for each second.
import { overRounds } from "./over.js";
import { discards } from "./records.js";
import { keeper, place } from "./redraw.js";
import { rollback } from "./rollback.js";
import { roundBox } from "./round.js";

const { call, whenThere, element: el, t, parts } = window.feedbackLoop;

whenThere("fl-rounds", (page) => {
  const keep = keeper(), boxes = new Map();
  const problem = el("p", { class: "fl-error", role: "alert", hidden: true });

  async function refresh() {
    try {
      draw(await call("GET", "/rounds"));
    } catch (error) {
      if (page.children.length < 2) complain(error.message);
    }
  }

  async function act(path, body) {
    try { await call("POST", path, body); complain(""); } catch (error) { complain(error.message); }
    refresh();
  }

  function complain(message) {
    Object.assign(problem, { textContent: message, hidden: !message });
    if (!problem.isConnected) page.prepend(problem);
  }

  function draw({ overview, progress, delivery, role }) {
    const owner = role === "owner";
    const rounds = [...overview.rounds].reverse(), alarms = rounds.slice(0, 2).flatMap((r) => r.alarms.map((line) => [r.round, line.split(/[:：]/)[0]]));
    place(page, [
      keep("head", [overview.run, overview.model, overview.policy, overview.labels, overview.busy, overview.message, overview.failed, progress, waits(overview, "rankings"), waits(overview, "promotion")], () => head(overview, progress)),
      problem,
      keep("sent", [delivery.pending, delivery.error], () => sent(delivery)),
      keep("alarmed", alarms, () => alarmed(alarms)),
      keep("over", [overview.curves, overview.rounds.findLast((r) => r.trust.reliability.length)?.trust], () => overRounds(overview) || el("div", { hidden: true })),
      ...rounds.map((round, at) => one(round, overview, owner, at < 2)),
      keep("discards", overview.discarded, () => discards(overview.discarded)),
      keep("mirror", overview.mirror, () => mirror(overview.mirror)),
      overview.policy === "base" ? null : keep("base", [overview.policy, overview.busy], () => rollback("base", overview, (reason) => act("/rounds/rollback", { to: "base", reason }))),
    ]);
  }

  function one(round, overview, owner, open) {
    if (!boxes.has(round.round)) boxes.set(round.round, roundBox(round.round, open));
    const { box, update } = boxes.get(round.round);
    update(round, overview, owner, act);
    return box;
  }

  const waits = (overview, name) => overview.rounds.at(-1)?.stages.find((s) => s.name === name)?.state === "waiting";

  function head(overview, progress) {
    const missing = Math.max(0, progress.needed - progress.answered), asks = waits(overview, "rankings"), duels = waits(overview, "promotion");
    const can = !overview.busy && !duels && (!asks || missing === 0);
    const why = overview.busy ? t("rounds.busy") : duels ? t("rounds.unsettled") : asks && missing ? t("rounds.missing", { n: missing }) : "";
    return el("header", { class: "fl-head" },
      el("div", {}, el("h1", {}, overview.run), el("p", {}, ...parts("rounds.in_force", { model: overview.model, policy: el("b", {}, overview.policy), n: overview.labels }))),
      el("div", {}, el("button", { type: "button", id: "fl-start", class: "fl-primary", disabled: !can, onclick: () => act("/rounds/start") }, t("rounds.start")), el("small", {}, why)),
      overview.message && (overview.failed || !(asks || duels)) ? el("p", { class: overview.failed ? "fl-error" : "fl-said", role: "status" }, overview.message) : null);
  }

  function sent({ pending, error }) {
    const text = error ? t("rounds.stuck", { n: pending, error }) : pending ? t("rounds.sending", { n: pending }) : "";
    return el("p", { class: "fl-said", id: "fl-delivery", hidden: !text }, text);
  }

  // What the newest rounds' boxes say in full, in a line above everything.
  function alarmed(alarms) {
    const said = alarms.map(([round, line]) => t("rounds.alarm_of", { round, line }));
    return el("p", { class: "fl-error", id: "fl-alarmed", hidden: !said.length }, el("b", {}, t("rounds.alarms", { n: said.length })), ` · ${said.join(" · ")}`);
  }

  // Where Weights & Biases has the same curves.
  function mirror({ url, sync, view }) {
    return el("p", { class: "fl-note", id: "fl-mirror" },
      url ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, t("rounds.wandb.open")) : null, url && sync ? " " : null,
      ...(sync ? parts("rounds.wandb.offline", { view: el("code", {}, view), sync: el("code", {}, sync) }) : url ? [] : [t("rounds.wandb.none")]));
  }

  refresh();
  setInterval(() => { if (!document.hidden) refresh(); }, 1000);
});
