// The page's lasting parts: made once, so that neither focus nor a screen reader's place is lost between two comparisons.
import { drawSupply } from "./supply.js";

const { element: el, t } = window.feedbackLoop;

// `at` gets a slot for each part; what is in a slot changes, the slots stay.
export function drawFrame(page) {
  const slot = (name) => el("div", { class: `fl-slot-${name}` });
  const slots = { progress: slot("progress"), summary: slot("summary"), card: slot("card"), writing: slot("writing"), bar: slot("bar"), more: slot("more") };
  const alert = el("p", { class: "fl-error", role: "alert", hidden: true });
  const said = el("span", {}), next = el("span", { class: "fl-unseen" });
  const status = el("p", { class: "fl-status", role: "status", "aria-live": "polite" }, said, " ", next);
  page.replaceChildren(slots.progress, status, alert, slots.summary, slots.card, slots.writing, slots.bar, slots.more);
  return { ...slots, alert, said, next };
}

export function drawProgress(standing) {
  const p = standing?.progress || { answered: 0, needed: 0, mine: 0 };
  const share = p.needed ? Math.min(100, (100 * p.answered) / p.needed) : 0;
  const duels = standing?.fetching.state === "duels", bar = el("span", {});
  bar.style.width = `${share}%`;
  return el("div", { class: "fl-progress" },
    el("div", { class: "fl-bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": p.needed, "aria-valuenow": Math.min(p.answered, p.needed), "aria-label": t("label.rankings_of_round") }, bar),
    el("span", { class: "fl-count" }, t(duels ? "label.duels" : "label.progress", { answered: p.answered, needed: p.needed, mine: p.mine })),
    p.needed && p.answered >= p.needed && !duels ? el("a", { class: "fl-enough", href: "/rounds" }, t("label.enough")) : null);
}

// Nothing to rank: why, and what will change it.
export function drawEmpty(standing) {
  const parts = standing ? drawSupply(standing.fetching, standing.progress) : [el("p", {}, t("label.loading"))];
  return el("div", { class: "fl-empty", tabindex: "-1", "data-supply": standing ? standing.fetching.state : null }, parts);
}
