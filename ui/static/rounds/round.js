// One round on the Rounds page: its stages, decision and figures, what its labels taught, its samples.
import { checks } from "./checks.js";
import { gate } from "./gate.js";
import { rollbacks } from "./records.js";
import { keeper, place } from "./redraw.js";
import { rollback } from "./rollback.js";
import { samples } from "./samples.js";
import { taught } from "./taught.js";

const { element: el, t, number, percent, seconds, chart } = window.feedbackLoop;
const KINDS = {
  duel_win_rate: "share", win_rate_parent: "share", win_rate_base: "share", true_win_rate_parent: "share", true_win_rate_base: "share", reward_accuracy: "share",
  next_round_agreement: "share", brief_tokens_needed: "", calibration_error: "", length_correlation: "", reward_margin: "", first_shown_chosen: "share", kl: "",
  length: "", labels: "", ties: "",
};
const CURVES = [
  "reward/loss", "reward/accuracy", "reward/margin", "policy/reward", "policy/kl", "policy/entropy", "policy/length", "policy/ended",
  "policy/loss", "policy/rewards/margins", "policy/rewards/accuracies", "policy/clip_fraction", "policy/value_loss", "policy/explained_variance",
];
const SHARES = { "reward/accuracy": null, "policy/ended": [0, 1], "policy/rewards/accuracies": [0, 1], "policy/clip_fraction": null }; // and the least that is shown

// A round's box; `update(round, overview, owner, act)` draws what changed in it.
export function roundBox(number_, open) {
  const summary = el("summary", {}), keep = keeper();
  const box = el("details", { class: "fl-round", "data-round": number_, open }, summary);
  function update(round, overview, owner, act) {
    const stageOf = (name) => round.stages.find((s) => s.name === name), done = (name) => stageOf(name).state === "done";
    // Until people have decided, what the new version writes tells whose answer is whose.
    const early = !round.decision && done("evaluation"), withheld = early && !owner;
    const backs = overview.rollbacks.filter((b) => b.round === round.round);
    place(summary, head(keep, round));
    place(box, [
      summary,
      round.alarms.length ? keep("alarms", round.alarms, () => alarms(round.alarms)) : null,
      keep("stages", [round.stages, round.labels], () => el("ol", { class: "fl-stages", "aria-label": t("rounds.stages") }, round.stages.map(stage))),
      round.note ? keep("note", round.note, () => el("p", { class: "fl-note" }, round.note)) : null,
      round.checks.length ? keep("checks", round.checks, () => checks(round.checks)) : null,
      round.gate ? keep("gate", [round.gate, round.decision, overview.busy, owner], () => gate(round, overview, owner, act)) : null,
      round.decision ? keep("decision", round.decision, () => decision(round)) : null,
      backs.length ? keep("rollbacks", backs, () => rollbacks(backs)) : null,
      round.contradictions ? keep("contradictions", round.contradictions, () => el("p", { class: "fl-note" }, t("rounds.contradicted", { n: round.contradictions }), " ", el("code", {}, `feedback-loop contradictions ${overview.folder}`))) : null,
      Object.keys(round.metrics).length ? keep("figures", round.metrics, () => figures(round.metrics)) : null,
      round.trust.by_annotator.length > 1 ? keep("people", round.trust, () => byAnnotator(round.trust.by_annotator)) : null,
      early ? keep("early", owner, () => el("p", { class: "fl-note fl-early" }, t(owner ? "rounds.early" : "rounds.withheld"))) : null,
      done("preferences") && !withheld ? keep("taught", [stageOf("preferences"), done("evaluation") && stageOf("evaluation"), early], () => taught(round.round, open && done("evaluation") && !early)) : null,
      done("evaluation") && !withheld ? keep("samples", round.metrics, () => samples(round.round)) : null,
      keep("curves", round.curves, () => curves(round)),
      round.decision && round.policy !== overview.policy ? keep("back", [round.policy, overview.policy, overview.busy], () => rollback(round.policy, overview, (reason) => act("/rounds/rollback", { to: round.policy, reason }))) : null,
    ]);
  }
  return { box, update };
}

function head(keep, round) {
  return [
    keep("title", round.round, () => el("h2", {}, t("rounds.round", { round: round.round }))),
    keep("verdict", [round.decision, round.labels, round.needed], () => el("span", {}, verdict(round))),
    round.alarms.length ? keep("alarmed", round.alarms.length, () => el("span", { class: "fl-alarmed" }, t("rounds.alarms", { n: round.alarms.length }))) : null,
  ];
}

function verdict({ decision, policy, labels, needed }) {
  if (!decision) return t("rounds.ranked", { labels, needed });
  return decision.promoted ? t("rounds.kept", { policy }) : t("rounds.not_kept", { policy: decision.policy });
}

function stage(s) {
  const share = s.total ? ` ${number(s.done)} / ${number(s.total)}` : "";
  const detail = s.state === "running" ? `${s.what || t("rounds.state.starting")}${share}` : s.state === "waiting" || s.state === "failed" ? `${t(`rounds.state.${s.state}`)}${share}` : s.seconds !== null ? seconds(s.seconds) : "";
  return el("li", { class: `fl-stage fl-${s.state}`, "data-stage": s.name, "data-state": s.state, "aria-current": s.state === "running" || s.state === "waiting" ? "step" : null },
    el("b", {}, t(`rounds.stage.${s.name}`)), el("span", { class: "fl-unseen" }, `: ${t(`rounds.state.${s.state}`)} `), el("small", {}, detail),
    s.state === "running" && s.total ? el("progress", { max: s.total, value: s.done, "aria-label": t(`rounds.stage.${s.name}`) }) : null);
}

function decision(round) {
  return el("div", { class: "fl-decision" }, el("h3", {}, t("rounds.decision")), el("p", {}, el("b", {}, verdict(round))),
    el("ul", {}, round.decision.reasons.map((reason) => el("li", {}, reason))), el("p", { class: "fl-note" }, by(round.decision.decided_by)));
}

const by = (who) => ["people", "rule"].includes(who) ? t(`rounds.by.${who}`) : t("rounds.by.person", { who });

function figures(metrics) {
  const show = (value, kind) => kind === "share" ? percent(value) : number(value, Math.abs(value) < 10 ? 2 : 0);
  const interval = (name, kind) => `${name}_low` in metrics ? el("small", {}, t("interval", { low: show(metrics[`${name}_low`], kind), high: show(metrics[`${name}_high`], kind) })) : null;
  return el("dl", { class: "fl-figures" }, Object.entries(KINDS).filter(([name]) => name in metrics)
    .map(([name, kind]) => el("div", {}, el("dt", {}, t(`rounds.figure.${name}`)), el("dd", {}, show(metrics[name], kind), " ", interval(name, kind)))));
}

function curves(round) {
  const drawn = CURVES.map((name) => round.curves.find((c) => c.name === name && c.x.length > 1)).filter(Boolean);
  const doubt = round.curves.find((c) => c.name === "policy/reward_sd" && Math.max(...c.y) > 0);
  if (!drawn.length) return el("div", { hidden: true });
  const around = (c) => c.name === "policy/reward" && doubt ? { low: c.y.map((y, i) => y - (doubt.y[i] || 0)), high: c.y.map((y, i) => y + (doubt.y[i] || 0)) } : null;
  return el("div", { class: "fl-charts", tabindex: "0", role: "region", "aria-label": t("rounds.curves") }, drawn.map((c) => chart(t(`rounds.curve.${c.name}`), [c], t("rounds.step_axis"), { band: around(c), shares: c.name in SHARES, range: SHARES[c.name] })));
}

function alarms(lines) {
  return el("div", { class: "fl-alarms", role: "note" }, el("b", {}, t("rounds.alarms", { n: lines.length })), el("ul", {}, lines.map((line) => el("li", {}, line))));
}

function byAnnotator(groups) {
  return el("p", { class: "fl-note" }, t("rounds.right_about", { people: groups.map((g) => t("rounds.right_person", g)).join(t("list.comma")) }));
}
