// What a person can do on the page; buttons and keys do the same.
import { change, drawBar, drawWriting, focusCard, keep, mark, ranksMany, tell } from "./board.js";
import { markPlaces, sidesOf, summary } from "./card.js";
import * as drafts from "./drafts.js";
import { openHistory } from "./history.js";
import * as ranking from "./ranking.js";
import * as session from "./session.js";
import { openShortcuts } from "./shortcuts.js";
import { REASONS } from "./signals.js";
import { drawSummary, isDue, isOver } from "./summary.js";
import { editedSides, isEdited } from "./writing.js";

const { t } = window.feedbackLoop;

export function createActs(at, groups) {
  const acts = {
    change: (part) => { change(at, part); mark(at); },
    vote: (choice, strength) => vote(at, { choice, strength }),
    tie: () => vote(at, { choice: "tie" }),
    neither: () => vote(at, { choice: "neither" }),
    slightly: () => slightly(at),
    skip: () => askWhy(at),
    undo: () => at.flow.undo(),
    flag: () => { if (at.card) acts.change({ flagged: !at.draft.flagged }); },
    comment: () => comment(at),
    edit: () => edit(at),
    write: () => openEditor(at, drafts.OWN),
    open: (side) => openEditor(at, side),
    save: () => save(at),
    aside: () => aside(at),
    discard: () => discard(at),
    closeQuestion: () => ask(at, null),
    back: () => at.flow.back(),
    history: () => openHistory(at.page, at.flow),
    shortcuts: () => openShortcuts(at.page, groups(at)),
    place: (side) => reorder(at, ranking.place(at.draft.order, side), side),
    tieWith: (side) => reorder(at, ranking.tie(at.draft.order, side), side),
    takeBack: () => reorder(at, ranking.takeBack(at.draft.order), null),
    reorder: (order, side) => reorder(at, order, side),
    done: () => done(at),
  };
  return acts;
}

// An edit goes along once it was saved; one that was not stays in the draft, whatever is answered.
function vote(at, said, side = at.draft?.saved) {
  const { card, draft, standing } = at;
  if (!card) return;
  const edits = said.choice !== "skip" && side && isEdited(draft, side) ? { edit: draft.edits[side], edit_of: side === drafts.OWN ? undefined : side } : {};
  const seconds = at.clock.seconds();
  const body = { ...said, ...edits, flagged: draft.flagged || undefined, comment: draft.comment.trim() || undefined, seconds: card.revising ? undefined : seconds };
  if (!at.flow.vote(body)) return;
  const unsent = editedSides(card, draft).filter((each) => !edits.edit || each !== side);
  keep(at, () => keepUnsent(standing.user, card, draft, unsent));
  tell(at, t(unsent.length ? "label.edit_not_sent" : edits.edit ? "label.stored_edit" : "label.stored", { said: summary(body) }));
  if (!card.revising && said.choice !== "skip") count(at, card.id, seconds);
}

function keepUnsent(user, card, draft, sides) {
  if (!sides.length) return drafts.forget(user, card.id);
  const edits = Object.fromEntries(sides.map((side) => [side, draft.edits[side]]));
  drafts.write(user, card.id, { ...drafts.BLANK, edits, open: sides[0] });
}

function count(at, id, seconds) {
  const answers = session.add(at.standing.user, id, seconds);
  if (isOver(answers)) closeSummary(at);
  if (isDue(answers)) at.slots.summary.replaceChildren(drawSummary(answers, at.standing, () => closeSummary(at)));
}

export function closeSummary({ slots }) {
  const open = Boolean(slots.summary.firstChild);
  if (open) slots.summary.replaceChildren();
  return open;
}

function slightly(at) {
  if (!at.card || ranksMany(at.card)) return;
  at.slight = !at.slight;
  drawBar(at);
  tell(at, at.slight ? t("label.slightly_now") : "");
}

// A question in place of the votes; null closes it.
function ask(at, question) {
  const focused = at.slots.bar.contains(document.activeElement) || at.slots.more.contains(document.activeElement);
  at.question = question;
  drawBar(at);
  if (question) at.slots.bar.querySelector("button")?.focus({ preventScroll: true });
  else if (focused || document.activeElement === document.body) focusCard(at);
}

function askWhy(at) {
  if (!at.card) return;
  const skip = (reason) => () => vote(at, { choice: "skip", reason });
  if (at.question?.skips) return skip()();
  const reasons = REASONS.map((reason, n) => ({ key: `${n + 1}`, name: `skip-${reason}`, text: t(`reason.${reason}`), act: skip(reason) }));
  ask(at, { skips: true, text: t("label.skip_why"), options: [{ key: "S", name: "skip-plain", text: t("label.skip_plain"), act: skip(undefined) }, ...reasons] });
}

// Which answer to edit: the one edited before, the best of an order, or as the person says.
function edit(at) {
  const { card, draft } = at;
  if (!card) return;
  const known = editedSides(card, draft)[0] || (ranksMany(card) && draft.order[0]?.[0]);
  if (known) return openEditor(at, known);
  const options = sidesOf(card).map((side, n) => ({ key: `${n + 1}`, name: `edit-${side}`, text: t(`side.${side}`), act: () => openEditor(at, side) }));
  ask(at, { text: t("edit.which"), options });
}

function openEditor(at, side) {
  if (!at.card) return;
  at.question = null;
  change(at, { open: side });
  drawWriting(at);
  drawBar(at);
  at.slots.writing.querySelector("#fl-edit-text").focus();
}

function save(at) {
  const { card, draft } = at, side = draft.open;
  if (!isEdited(draft, side)) return tell(at, t(side === drafts.OWN ? "edit.empty" : "edit.unchanged"));
  if (side === drafts.OWN) return vote(at, { choice: "neither" }, side);
  if (!ranksMany(card)) return vote(at, { choice: side }, side);
  change(at, { saved: side, open: null });
  drawWriting(at);
  mark(at);
  if (!done(at)) { focusCard(at); tell(at, t("edit.kept")); }
}

function aside(at) {
  if (!at.draft?.open) return false;
  change(at, { open: null });
  drawWriting(at);
  mark(at);
  focusCard(at);
  return true;
}

function discard(at) {
  const { [at.draft.open]: _, ...edits } = at.draft.edits;
  change(at, { edits, saved: at.draft.saved === at.draft.open ? null : at.draft.saved });
  openEditor(at, at.draft.open);
}

function comment(at) {
  if (!at.card) return;
  change(at, { commenting: true });
  drawWriting(at);
  at.slots.writing.querySelector("#fl-comment-text").focus();
}

function reorder(at, order, side) {
  const focused = document.activeElement?.closest?.(".fl-podium [id]")?.id;
  change(at, { order });
  drawBar(at);
  markPlaces(at.drawn, order);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  const place = ranking.placeOf(order, side);
  tell(at, place ? t("rank.now_placed", { side: t(`side.${side}`), n: place }) : t("rank.taken_back"));
}

function done(at) {
  const order = ranking.whole(at.draft.order, sidesOf(at.card));
  if (!order) return false;
  const choice = order[0].length > 1 ? "tie" : order[0][0];
  vote(at, { choice, order });
  return true;
}
