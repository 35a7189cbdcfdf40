// Where the duels of a round's new version against its parent stand, and the owner's way to decide without them.
import { ask } from "./rollback.js";

const { element: el, t, share } = window.feedbackLoop;

// `round.gate` as `feedback_loop/overview.py` has it; the buttons are there as long as nothing is decided.
export function gate({ gate: stands, decision }, overview, owner, act) {
  const said = { votes: stands.votes, most: stands.most, n: stands.told, rate: stands.win_rate, low: stands.low, high: stands.high };
  return el("section", { class: "fl-gate", "aria-label": t("rounds.gate.title") },
    el("h3", {}, t("rounds.gate.title")),
    stands.told ? share(t("rounds.gate.picture", said), { value: stands.win_rate, low: stands.low, high: stands.high }) : null,
    el("p", {}, t("rounds.gate.judged", said), " ", stands.told ? t("rounds.gate.score", said) : t("rounds.gate.none")),
    decision ? null : el("p", { class: "fl-note" }, t("rounds.gate.blind")),
    stands.model_weight > 0.005 ? el("p", { class: "fl-note" }, t("rounds.gate.model", { weight: stands.model_weight.toFixed(2) })) : null,
    decision ? null : open(stands, overview, owner, act));
}

function open(stands, overview, owner, act) {
  if (stands.verdict !== "ask") return el("p", { class: "fl-said" }, t("rounds.gate.settled"));
  return el("div", { class: "fl-choices" }, owner ? ["keep", "promote"].map((verdict) => own(verdict, overview, act)) : null, el("a", { class: "fl-primary", href: "/" }, t("rounds.gate.rank")));
}

// A decision of the owner's own: which, and why.
function own(verdict, overview, act) {
  const title = t(`decide.${verdict}`), lines = [t("decide.unsettled"), verdict === "promote" ? t("decide.breach") : null, t("rollback.kept")];
  const decide = (reason) => act("/rounds/decide", { verdict, reason });
  return el("button", { type: "button", id: `fl-decide-${verdict}`, disabled: overview.busy, "aria-haspopup": "dialog", onclick: () => ask({ title, lines, label: t("decide.reason"), required: true, done: decide }) }, title);
}
