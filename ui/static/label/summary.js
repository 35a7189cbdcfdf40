// Every 25 answers, a few figures about this sitting: beside the work, and gone with a key. The next vote does not wait for it.
import { EVERY, median } from "./session.js";

const { element: el, t } = window.feedbackLoop;

export const isDue = (answers) => answers.length > 0 && answers.length % EVERY === 0;

export function drawSummary(answers, { needed, answered }, close) {
  const title = t("summary.title", { n: answers.length });
  return el("aside", { class: "fl-summary", id: "fl-summary", role: "status", "aria-label": title }, el("b", {}, title),
    el("dl", {},
      figure(t("summary.median"), t("summary.seconds", { time: median(answers.map((answer) => answer.seconds)) })),
      needed ? figure(t("summary.left"), `${Math.max(0, needed - answered)}`) : null),
    el("button", { type: "button", class: "fl-close", onclick: close }, el("span", {}, t("summary.go_on")), el("kbd", { "aria-hidden": "true" }, "Esc")));
}

const figure = (name, value) => el("div", {}, el("dt", {}, name), el("dd", {}, value));
