// What is said where there is nothing to rank: why, and how long it takes, by what was measured. `supply` as
// `feedback_loop/overview.py` has it.
const { element: el, t } = window.feedbackLoop;

const TITLES = { first: "label.first_coming", writing: "label.more_coming", ended: "label.nothing_left", duels: "pool.duels.title", working: "pool.working.title", failed: "pool.failed.title" };
const TEXTS = {
  first: ({ done, total }) => total ? t("pool.first.text", { done, total }) : t("pool.first.loading"),
  writing: ({ seconds }) => seconds === null ? t("pool.writing.text") : t("pool.writing.seconds", { seconds: Math.max(1, Math.round(seconds)) }),
  ended: () => t("pool.ended.text"),
  duels: () => t("pool.duels.text"),
  working: () => t("pool.working.text"),
  failed: ({ message }) => message,
};

export function drawSupply(supply, { answered, needed }) {
  const state = supply.state === "ready" ? "writing" : supply.state; // what can be sampled is about to be
  const waits = state === "first" || state === "writing", full = needed > 0 && answered >= needed && !["working", "duels"].includes(state);
  return [
    el("h2", {}, t(TITLES[state])),
    el("p", {}, TEXTS[state](supply)),
    full ? el("p", {}, t("label.round_full")) : null,
    waits ? el("div", { class: "fl-pulse" }) : null,
    full || !waits ? el("a", { class: "fl-primary", href: "/rounds" }, t("label.to_rounds")) : null,
  ];
}
