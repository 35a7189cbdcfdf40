// A comparison on the screen: the request, and the answers beside each other.
import { placeOf } from "./ranking.js";

const { element: el, reading, t } = window.feedbackLoop;
export const SIDES = ["first", "second", "third", "fourth"];
export const sidesOf = (card) => SIDES.slice(0, card.answers.length);

export function drawCard(card, { back }) {
  return el("div", { class: "fl-card", "data-comparison-id": card.id, tabindex: "-1", role: "region", "aria-label": t("label.comparison") },
    card.revising ? revising(card, back) : null,
    reading.request(card), reading.tools(),
    el("div", { class: "fl-answers", "data-count": card.answers.length }, card.answers.map((_, n) => answer(card, n))));
}

function revising(card, back) {
  return el("p", { class: "fl-revising" }, el("span", {}, t("label.revising", { said: summary(card.said) })),
    el("button", { type: "button", id: "fl-back", onclick: back }, el("span", {}, t("label.back")), el("kbd", {}, "Esc")));
}

function answer(card, n) {
  const side = SIDES[n];
  return el("article", { class: "fl-answer", "data-side": side, "aria-label": t(`side.${side}`) },
    el("h2", {}, el("span", {}, t(`side.${side}`)), el("kbd", {}, `${n + 1}`), el("span", { class: "fl-place" })), reading.answer(card, n));
}

// Beside each answer's name, the place that it has been given.
export function markPlaces(card, order) {
  for (const shown of card.querySelectorAll(".fl-answer")) {
    const place = placeOf(order, shown.dataset.side);
    shown.dataset.place = place || "";
    shown.querySelector(".fl-place").textContent = place ? t("rank.place", { n: place }) : "";
  }
}

// What a person said, in a few words.
export function summary(said) {
  if (said.choice === "skip") return said.reason ? t("said.skip_because", { reason: t(`reason.${said.reason}`) }) : t("said.skip");
  if (said.order) return said.order.map((group) => group.map((side) => SIDES.indexOf(side) + 1).join(" = ")).join(" › ");
  return t(said.strength ? `said.${said.choice}.${said.strength}` : `said.${said.choice}`);
}
