// What a person writes about a comparison: a comment, and an answer as it should have been. Both are kept in the draft with
// each letter, and nothing is sent but by the vote.
import { OWN } from "./drafts.js";
import { sidesOf } from "./card.js";
import { digitOf } from "./keys.js";
import { button } from "./signals.js";

const { element: el, reading, t } = window.feedbackLoop;

export function drawComment(draft, change) {
  return el("textarea", {
    class: "fl-comment", id: "fl-comment-text", rows: "2", placeholder: t("label.comment_hint"), "aria-label": t("label.comment"), dir: "auto", maxlength: "20000",
    oninput: (event) => change({ comment: event.target.value }),
  }, draft.comment);
}

// Each edit in a draft differs from its original: one that no longer does is taken out as it is typed.
export const isEdited = (draft, side) => Boolean(draft.edits[side]?.trim());
export const editedSides = (card, draft) => [...sidesOf(card), OWN].filter((side) => isEdited(draft, side));

const original = async (card, side) => (side === OWN ? "" : reading.whole(card, side));

// `open(side)` shows another side's text, `save()` sends, `aside()` closes the editor and keeps the text, `discard()` goes
// back to the original.
export function drawEditor(card, draft, { change, open, save, aside, discard }) {
  const side = draft.open, own = side === OWN;
  return el("section", { class: "fl-editor", "aria-label": t("label.edit") },
    el("div", { class: "fl-which", role: "radiogroup", "aria-label": t("edit.which") }, [...sidesOf(card), OWN].map((each, n) => radio(each, n, side, open))),
    drawField(card, draft, change, open),
    el("div", { class: "fl-editor-foot" }, el("small", { id: "fl-edit-help" }, t(own ? "edit.own_help" : "edit.help")),
      button("discard", null, t("edit.discard"), discard, { class: "fl-quiet" }), button("aside", "Esc", t("edit.aside"), aside),
      button("save", "Ctrl ⏎", t("edit.save"), save, { class: "fl-primary" })));
}

const radio = (each, n, side, open) => el("label", {},
  el("input", { type: "radio", name: "fl-edit-of", value: each, checked: each === side, onchange: () => open(each) }),
  el("span", {}, t(`edit.${each}`)), each === OWN ? null : el("kbd", { "aria-hidden": "true" }, `Alt ${n + 1}`));

// A long answer's text may still be on its way; until then what is typed goes nowhere, least of all to the shortcuts.
function drawField(card, draft, change, open) {
  const side = draft.open, hint = t(side === OWN ? "edit.own_hint" : "edit.hint");
  let raw;
  const field = el("textarea", { class: "fl-edit", id: "fl-edit-text", rows: "8", dir: "auto", maxlength: "200000", "aria-label": hint, placeholder: hint, "aria-describedby": "fl-edit-help", readonly: true,
    oninput: () => {
      const { [side]: _, ...others } = draft.edits;
      change({ edits: field.value === raw ? others : { ...others, [side]: field.value } });
    },
    onkeydown: (event) => {
      const other = event.altKey && !event.ctrlKey && sidesOf(card)[digitOf(event) - 1];
      if (other) { event.preventDefault(); open(other); }
    } });
  const begin = (text) => {
    field.value = text;
    field.readOnly = false;
    field.setSelectionRange(text.length, text.length);
  };
  if (side in draft.edits) begin(draft.edits[side]);
  original(card, side).then((text) => { raw = text; if (field.readOnly) begin(raw); }, (problem) => { field.placeholder = problem.message; });
  return field;
}
