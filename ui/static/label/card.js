// A comparison on the screen: the request, and the answers beside each other.
import { placeOf } from "./ranking.js";

const { element: el, t } = window.feedbackLoop;
export const SIDES = ["first", "second", "third", "fourth"];
export const sidesOf = (card) => SIDES.slice(0, card.answers.length);

export function drawCard(card, { back }) {
  return el("div", { class: "fl-card", "data-comparison-id": card.id, tabindex: "-1", role: "region", "aria-label": t("label.comparison") },
    card.revising ? revising(card, back) : null,
    request(card),
    el("div", { class: "fl-answers", "data-count": card.answers.length }, card.answers.map((html, n) => answer(html, SIDES[n], n + 1))));
}

function revising(card, back) {
  return el("p", { class: "fl-revising" }, el("span", {}, t("label.revising", { said: summary(card.said) })),
    el("button", { type: "button", id: "fl-back", onclick: back }, el("span", {}, t("label.back")), el("kbd", {}, "Esc")));
}

function request(card) {
  const earlier = card.prompt.slice(0, -1), last = card.prompt.at(-1);
  return el("section", { class: "fl-prompt", "aria-label": t("label.request") },
    earlier.map((turn) => el("p", { class: "fl-turn", dir: "auto" }, el("b", {}, t(`role.${turn.role}`)), " ", turn.text)),
    el("p", { dir: "auto" }, last.text));
}

function answer(html, side, number) {
  const text = el("div", { class: "fl-text", dir: "auto" });
  text.innerHTML = html; // made safe on the server
  return el("article", { class: "fl-answer", "data-side": side, "aria-label": t(`side.${side}`) },
    el("h2", {}, el("span", {}, t(`side.${side}`)), el("kbd", {}, `${number}`), el("span", { class: "fl-place" })), text);
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
