// Three or four answers in order: a row of places, best first, and those without a place. By keys, by tapping, by dragging
// (onto another: as good as that one; between two: a place of its own) and by the arrow keys.
import { SIDES } from "./card.js";
import { startDrag } from "./dragging.js";
import { move, place, placeOf, remove, step, whole } from "./ranking.js";
import { button } from "./signals.js";

const { element: el, t } = window.feedbackLoop;
const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

// `reorder(order, side)` takes a new order; `done`, `tie` and `neither` answer.
export function drawPodium(sides, order, { reorder, done, tie, neither }) {
  const left = sides.filter((side) => !placeOf(order, side));
  const chip = (side) => drawChip(side, order, reorder);
  const groups = order.map((group, n) => el("div", { class: "fl-group", role: "group", "aria-label": t("rank.place", { n: n + 1 }) }, group.map(chip)));
  const row = el("div", { class: "fl-places", role: "group", "aria-label": t("rank.order") },
    el("div", { class: "fl-order" }, el("small", {}, t("rank.best")), groups, left.length ? el("div", { class: "fl-slot", "aria-hidden": "true" }) : null),
    el("div", { class: "fl-tray", role: "group", "aria-label": t("rank.unplaced") }, left.map(chip)));
  return el("div", { class: "fl-votes fl-podium" }, row,
    button("done", "⏎", t("rank.done"), done, { class: "fl-vote fl-primary", disabled: !whole(order, sides) }),
    button("tie", "T", t("rank.all_equal"), tie, { class: "fl-vote" }), button("neither", "N", t("rank.none_good"), neither, { class: "fl-vote" }));
}

function drawChip(side, order, reorder) {
  const number = SIDES.indexOf(side) + 1, at = placeOf(order, side);
  const name = at ? t("rank.chip_placed", { side: t(`side.${side}`), n: at }) : t("rank.chip", { side: t(`side.${side}`) });
  const made = button(`chip-${side}`, null, `${number}`, () => reorder(at ? remove(order, side) : place(order, side), side), { class: "fl-chip", "data-side": side, "aria-label": name });
  made.addEventListener("keydown", (event) => {
    const by = STEPS[event.key];
    if (!by || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    reorder(at ? step(order, side, by) : place(order, side), side);
  });
  made.addEventListener("pointerdown", (event) => startDrag(event, made, (target) => {
    if (target) reorder(target.out ? remove(order, side) : move(order, side, target.at, target.tied), side);
  }));
  return made;
}
