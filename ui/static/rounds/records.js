// What people decided beside the rounds: which version they put in force by hand, and which labels no longer count.
const { element: el, t } = window.feedbackLoop;
const because = (reason) => reason ? ` ${t("rounds.because", { reason })}` : "";

// Those made after a round, as lines below its decision.
export function rollbacks(made) {
  return el("ul", { class: "fl-rollbacks" }, made.map(({ policy, before, by, at, reason }) => el("li", {}, t("rounds.rolled_back", { policy, before, who: by, at }), because(reason))));
}

export function discards(made) {
  return el("section", { class: "fl-discards", hidden: !made.length }, el("h3", {}, t("rounds.discards")),
    el("ul", {}, made.map(({ number, asked, labels, by, at, reason }) => el("li", {}, t("rounds.discarded", { number, asked, n: labels, who: by, at }), because(reason)))));
}
