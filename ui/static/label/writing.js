// What a person writes about a comparison: a comment, and an answer as it should have been. Both are kept in the draft with
// each letter, and nothing is sent but by the vote.
import { OWN } from "./drafts.js";
import { sidesOf } from "./card.js";
import { digitOf } from "./keys.js";
import { button } from "./signals.js";

const { element: el, t } = window.feedbackLoop;

export function drawComment(draft, change) {
  return el("textarea", {
    class: "fl-comment", id: "fl-comment-text", rows: "2", placeholder: t("label.comment_hint"), "aria-label": t("label.comment"), dir: "auto", maxlength: "20000",
    oninput: (event) => change({ comment: event.target.value }),
  }, draft.comment);
}

export const original = (card, side) => (side === OWN ? "" : card.texts[sidesOf(card).indexOf(side)]);
export const textOf = (card, draft, side) => draft.edits[side] ?? original(card, side);

// Whether a side's text says something that its original does not.
export function isEdited(card, draft, side) {
  const text = draft.edits[side];
  return Boolean(text?.trim()) && text !== original(card, side);
}

export const editedSides = (card, draft) => [...sidesOf(card), OWN].filter((side) => isEdited(card, draft, side));

// `open(side)` shows another side's text, `save()` sends, `aside()` closes the editor and keeps the text.
export function drawEditor(card, draft, { change, open, save, aside }) {
  const side = draft.open, sides = [...sidesOf(card), OWN];
  const which = sides.map((each, n) => el("label", {},
    el("input", { type: "radio", name: "fl-edit-of", value: each, checked: each === side, onchange: () => open(each) }),
    el("span", {}, t(`edit.${each}`)), each === OWN ? null : el("kbd", { "aria-hidden": "true" }, `Alt ${n + 1}`)));
  const text = el("textarea", {
    class: "fl-edit", id: "fl-edit-text", rows: "8", dir: "auto", maxlength: "200000", "aria-label": t(side === OWN ? "edit.own_hint" : "edit.hint"), "aria-describedby": "fl-edit-help",
    placeholder: side === OWN ? t("edit.own_hint") : "",
    oninput: (event) => change({ edits: { ...draft.edits, [side]: event.target.value } }),
    onkeydown: (event) => {
      const other = event.altKey && !event.ctrlKey && sidesOf(card)[digitOf(event) - 1];
      if (other) { event.preventDefault(); open(other); }
    },
  });
  text.value = textOf(card, draft, side);
  return el("section", { class: "fl-editor", "aria-label": t("label.edit") },
    el("div", { class: "fl-which", role: "radiogroup", "aria-label": t("edit.which") }, which), text,
    el("div", { class: "fl-editor-foot" }, el("small", { id: "fl-edit-help" }, t(side === OWN ? "edit.own_help" : "edit.help")),
      button("aside", "Esc", t("edit.aside"), aside), button("save", "Ctrl ⏎", t("edit.save"), save, { class: "fl-primary" })));
}
