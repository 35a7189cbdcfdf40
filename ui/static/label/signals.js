// Below the answers: the votes, or a small question in their place, and everything else that can be said of a comparison.
const { element: el, t } = window.feedbackLoop;
export const REASONS = ["unclear", "unsafe", "unknown"];

export const button = (name, key, text, act, more = {}) =>
  el("button", { type: "button", id: `fl-${name}`, onclick: act, ...more }, el("span", {}, text), key ? el("kbd", { "aria-hidden": "true" }, key) : null);

// "Much" sits at the outer edge of the two choices that can have it: from left to right the row is one scale.
export function drawVotes(vote, slight) {
  const sides = ["first", "second"].map((side, n) => {
    const said = slight ? t(`said.${side}.slight`) : t(`said.${side}`), much = t(`said.${side}.much`);
    return el("div", { class: `fl-pair fl-${side}`, role: "group" },
      button(side, `${n + 1}`, said, () => vote(side, slight ? "slight" : undefined), { class: `fl-vote fl-${side}` }),
      button(`${side}-much`, `⇧${n + 1}`, t("label.much"), () => vote(side, "much"), { class: "fl-much", title: much, "aria-label": much }));
  });
  return el("div", { class: "fl-votes", role: "group", "aria-label": t("label.your_answer") }, sides,
    button("tie", "3", t("said.tie"), () => vote("tie"), { class: "fl-vote" }),
    button("neither", "4", t("said.neither"), () => vote("neither"), { class: "fl-vote" }));
}

// A question with an option per key, in place of the votes. The first option is what Enter takes.
export function drawQuestion(question, options, close) {
  return el("div", { class: "fl-votes fl-question", role: "group", "aria-label": question }, el("b", {}, question),
    options.map(({ name, key, text, act }) => button(name, key, text, act, { class: "fl-vote" })),
    button("close", "Esc", t("label.close"), close, { class: "fl-vote" }));
}

// `kind`: "pair", "many" or "none", of what is shown.
export function drawMore(acts, kind) {
  const one = (name, key, more = {}) => button(name, key, t(`label.${name}`), acts[name], more);
  const ofCard = () => [
    kind === "pair" ? one("slightly", "A", { "aria-pressed": "false", title: t("label.slightly_title") }) : null,
    one("comment", "C"), one("edit", "E"), one("write", "W"), one("flag", "F", { "aria-pressed": "false", title: t("label.flag_title") }), one("skip", "S")];
  return el("div", { class: "fl-more", role: "group", "aria-label": t("label.more") },
    kind === "none" ? null : ofCard(), one("undo", "U"), one("history", "H"), one("shortcuts", "?"));
}
