// What people flagged, on the Team page: the newest first, each with what was said of it; its answers come when it is opened.
(() => {
  const { call, element: el, t, parts, reading } = window.feedbackLoop;
  const SIDES = ["first", "second", "third", "fourth"];
  const keyOf = (flag) => JSON.stringify([flag.round, flag.comparison_id, flag.user_id, flag.created_at]);
  const said = ({ choice, reason }) => choice ? t(`said.${choice}`) : reason ? t("said.skip_because", { reason: t(`reason.${reason}`) }) : t("said.skip");

  // A section that keeps what is open in it; `refresh()` asks the app for the flags.
  function createFlags() {
    const list = el("ul", { class: "fl-flags" }), note = el("p", { class: "fl-note" }), lines = new Map();
    const box = el("section", { class: "fl-team-part", id: "fl-flags" }, el("h2", {}, t("flags.title")), note, list);

    async function refresh() {
      const { items, found } = await call("GET", "/team/flags");
      note.textContent = !found ? t("flags.none") : found > items.length ? t("flags.newest", { n: items.length, found }) : t("flags.what");
      for (const flag of items) if (!lines.has(keyOf(flag))) lines.set(keyOf(flag), line(flag));
      const drawn = items.map((flag) => lines.get(keyOf(flag)));
      if (drawn.length !== list.children.length || drawn.some((each, n) => each !== list.children[n])) list.replaceChildren(...drawn);
    }

    return { box, refresh };
  }

  function line(flag) {
    const answers = el("div", {});
    let asked = false;
    async function show() {
      if (asked || !fold.open) return;
      asked = true;
      try {
        const found = await call("GET", `/team/flags/${flag.round}/${encodeURIComponent(flag.comparison_id)}`);
        answers.replaceChildren(el("div", { class: "fl-answers" }, found.answers.map((each, n) => answer(each, SIDES[n], SIDES[n] === flag.choice))));
      } catch (problem) {
        asked = false;
        answers.replaceChildren(el("p", { class: "fl-error", role: "alert" }, problem.message));
      }
    }
    const fold = el("details", { ontoggle: show }, el("summary", {}, t("flags.answers")), answers);
    return el("li", {}, el("p", { class: "fl-asked", dir: "auto" }, flag.request),
      el("p", { class: "fl-note" }, parts("flags.by", { name: el("bdi", {}, flag.user_id), round: flag.round, said: said(flag), time: flag.created_at }).flat()),
      flag.comment ? el("blockquote", { dir: "auto" }, flag.comment) : null, fold);
  }

  function answer({ html, rest }, side, chosen) {
    return el("article", { class: "fl-answer", "aria-label": t(`side.${side}`) }, el("h3", {}, t(`side.${side}`), chosen ? el("b", {}, ` · ${t("flags.chosen")}`) : null),
      el("div", { class: "fl-text" }, reading.written({ html })), rest ? el("p", { class: "fl-note" }, t("flags.rest", { n: rest.words })) : null);
  }

  Object.assign(window.feedbackLoop, { createFlags });
})();
