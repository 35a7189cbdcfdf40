// What the Label page says where there is nothing to rank: why, and how long it takes, by what was measured.
(() => {
  const { element: el, t } = window.feedbackLoop;

  const TEXTS = {
    first: ({ done, total }) => total ? t("pool.first.text", { done, total }) : t("pool.first.loading"),
    writing: ({ seconds }) => seconds === null ? t("pool.writing.text") : t("pool.writing.seconds", { seconds: Math.max(1, Math.round(seconds)) }),
    ended: () => t("pool.ended.text"),
    working: () => t("pool.working.text"),
    failed: ({ message }) => message,
  };

  // `supply` as `feedback_loop/overview.py` has it. Where more can be sampled, it is about to be.
  function nothing(supply) {
    const state = supply.state === "ready" ? "writing" : supply.state, waits = state === "first" || state === "writing";
    return [
      el("h2", {}, t(`pool.${state}.title`)),
      el("p", { class: state === "failed" ? "fl-error" : null, role: "status" }, TEXTS[state](supply)),
      waits ? el("div", { class: "fl-pulse" }) : el("a", { class: "fl-primary", href: "/rounds" }, t("pool.rounds")),
    ];
  }

  window.feedbackLoop.pool = { nothing };
})();
