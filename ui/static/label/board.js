// What is on the screen, drawn from the page's state: `at` holds the frame's slots, the flow, and the draft of the card shown.
import { drawCard, markPlaces, sidesOf } from "./card.js";
import * as drafts from "./drafts.js";
import { drawEmpty, drawProgress } from "./frame.js";
import { drawPodium } from "./podium.js";
import { drawMore, drawQuestion, drawVotes } from "./signals.js";
import { drawComment, drawEditor, editedSides } from "./writing.js";

const { element: el, t } = window.feedbackLoop;
export const ranksMany = (card) => card.answers.length > 2;

// Another card in front, or none. Focus that would vanish with the old one goes to the new one.
export function show(at, card) {
  const { slots } = at, focused = document.activeElement, scrolled = window.scrollY > 0;
  Object.assign(at, { card, question: null, slight: false, draft: card ? readDraft(at, card) : null });
  at.drawn = card ? drawCard(card, at.acts) : drawEmpty(at.standing);
  slots.card.replaceChildren(at.drawn);
  drawWriting(at);
  drawBar(at);
  if (card && ranksMany(card)) markPlaces(at.drawn, at.draft.order);
  if (focused !== document.activeElement) focusCard(at);
  if (scrolled && card) at.drawn.scrollIntoView({ block: "start" }); // nobody begins to read in the middle
  if (card) at.clock.start();
}

function readDraft({ standing }, card) {
  const kept = drafts.read(standing.user, card.id);
  return card.said ? drafts.reopened(card.said, kept) : kept;
}

export const focusCard = ({ drawn }) => drawn.focus({ preventScroll: true });

export function change(at, part) {
  at.draft = { ...at.draft, ...part };
  keep(at, () => drafts.write(at.standing.user, at.card.id, at.draft));
}

// Where the browser's storage is full, what was typed lives as long as the page.
export function keep(at, write) {
  try { write(); } catch { alarm(at, t("label.draft_full")); }
}

export function drawWriting(at) {
  const { card, draft, slots } = at;
  const parts = [];
  if (card && draft.open) parts.push(drawEditor(card, draft, at.acts));
  if (card && draft.commenting) parts.push(drawComment(draft, at.acts.change));
  if (parts.length || slots.writing.firstChild) slots.writing.replaceChildren(...parts);
}

// The bar is drawn anew only where it says something else, so that a vote touches nothing but the card.
export function drawBar(at) {
  const { card, question, slight, slots, acts } = at;
  const many = card && ranksMany(card), plain = !card ? "none" : slight ? "slight" : "votes";
  if (question || many || at.barShown !== plain) slots.bar.replaceChildren(...[barOf(at, many)].filter(Boolean));
  at.barShown = question ? "question" : many ? "many" : plain;
  const more = card ? (many ? "many" : "pair") : "none";
  if (at.moreShown !== more) slots.more.replaceChildren(drawMore(acts, more));
  at.moreShown = more;
  mark(at);
}

function barOf({ card, question, slight, draft, acts }, many) {
  if (!card) return null;
  if (question) return drawQuestion(question.text, question.options, acts.closeQuestion);
  return many ? drawPodium(sidesOf(card), draft.order, acts) : drawVotes(acts.vote, slight);
}

// What is pressed, and what waits in the draft.
export function mark(at) {
  const { card, draft, slots } = at;
  if (!card) return;
  const edited = editedSides(card, draft).length > 0;
  const set = (name, attribute, value) => slots.more.querySelector(`#fl-${name}`)?.setAttribute(attribute, value);
  set("flag", "aria-pressed", draft.flagged);
  set("slightly", "aria-pressed", at.slight);
  set("edit", "data-kept", edited);
  set("comment", "data-kept", Boolean(draft.comment.trim()));
}

export const progress = (at) => at.slots.progress.replaceChildren(drawProgress(at.standing));

// For eyes and for screen readers: what was done, and, for the latter alone, what is asked next.
export function tell({ slots, card }, line) {
  slots.said.textContent = line;
  slots.next.textContent = card ? t("label.next", { request: card.prompt.at(-1).text.slice(0, 160) }) : "";
}

export function alarm({ slots }, line) {
  slots.alert.textContent = line;
  slots.alert.hidden = !line;
}
