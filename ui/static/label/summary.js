// Every 25 answers, a few figures about this sitting: beside the work, and gone with a key or three answers later. No vote
// waits for it.
import { median } from "./session.js";

const { call, element: el, t } = window.feedbackLoop;
const EVERY = 25, STAYS = 3;

export const isDue = (answers) => answers.length > 0 && answers.length % EVERY === 0;
export const isOver = (answers) => answers.length % EVERY >= STAYS;

export function drawSummary(answers, standing, close) {
  const title = t("summary.title", { n: answers.length });
  const figures = el("dl", {},
    figure(t("summary.median"), t("summary.seconds", { time: median(answers.map((answer) => answer.seconds)) })),
    figure(t("summary.left"), left(standing), { class: "fl-left" }));
  addConsistency(figures);
  return el("div", { class: "fl-summary", id: "fl-summary", role: "status", "aria-label": title }, el("b", {}, title), figures,
    el("button", { type: "button", class: "fl-close", onclick: close }, el("span", {}, t("summary.go_on")), el("kbd", { "aria-hidden": "true" }, "Esc")));
}

const left = ({ progress }) => `${Math.max(0, progress.needed - progress.answered)}`;
const figure = (name, value, more = {}) => el("div", more, el("dt", {}, name), el("dd", {}, value));

// The vote that made the summary due is still on its way when it is drawn.
export function updateLeft(place, standing) {
  const shown = place.querySelector(".fl-left dd");
  if (shown) shown.textContent = left(standing);
}

// How often one said the same again; nothing where too few repeats are known for a figure that gives none of them away.
async function addConsistency(figures) {
  const { same } = await call("GET", "/me").catch(() => ({}));
  if (same) figures.append(figure(t("summary.same"), t("summary.same_of", { share: same.share, n: same.count })));
}
