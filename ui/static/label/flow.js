// The way of comparisons through the page. The next ones are held ready, so a vote shows one at once and is sent behind it; a
// vote that cannot be sent waits in the outbox and is sent again until the app has it.
import * as drafts from "./drafts.js";
import * as outbox from "./outbox.js";

const { call, reading, t } = window.feedbackLoop;
const SETTLE = 350; // ms in which a new card takes no vote: a double click must not answer what nobody has read
const HELD = 4; // the one shown and three ahead
const NEVER = [400, 404, 409, 410, 413, 422]; // refusals that sending again cannot change
const REMEMBERED = 50; // cards of this session that can be brought back without a connection

// Whether two votes say the same, less how long they took.
function isSame(one, other) {
  const order = (vote) => JSON.stringify((vote.order || []).map((group) => [...group].sort()));
  const words = (vote) => [vote.choice, vote.strength, vote.reason, vote.edit, vote.edit_of, (vote.comment || "").trim(), Boolean(vote.flagged)].map((word) => word || "");
  return order(one) === order(other) && words(one).every((word, n) => word === words(other)[n]);
}

// `shown` is called when another card is in front, `noted` when the app has said how things stand, `reached` when it answered
// at all, `failed` with a line for the person, and `waits` with one that holds until the app answers again.
export function createFlow({ shown, noted, reached, failed, waits }) {
  const voted = new Set(); // in this page: an answer that was asked for before a vote must not bring its card back
  const past = [];
  let ready = [], standing = null, onScreen = null, shownAt = 0, sending = null, filling = null, undoing = Promise.resolve();

  const waiting = () => (standing ? outbox.waiting(standing.user) : []);
  const passed = () => [...voted, ...waiting().map((vote) => vote.comparison_id), ...ready.map((card) => card.id)].slice(-200).join(",");

  function show() {
    shownAt = performance.now();
    onScreen = ready[0]?.id;
    shown(ready[0]);
  }

  function note(said) {
    standing = { ...standing, ...said };
    reached();
    noted(standing);
  }

  function refill() {
    if (ready.length > HELD / 2) return Promise.resolve();
    filling ??= fill().catch((problem) => waits(problem.message)).finally(() => { filling = null; });
    return filling;
  }

  async function fill() {
    const { items, ...said } = await call("GET", `/next?count=${HELD - ready.length}&skip=${encodeURIComponent(passed())}`);
    standing = { ...standing, ...said };
    const known = new Set([...voted, ...waiting().map((vote) => vote.comparison_id), ...ready.map((card) => card.id)]);
    ready.push(...items.filter((card) => !known.has(card.id)));
    ready.forEach(reading.prepare);
    note(said);
    if (ready[0]?.id !== onScreen) show();
  }

  function send() {
    sending ??= sendAll().catch((problem) => waits(problem.message)).finally(() => { sending = null; });
    return sending;
  }

  // `again` is for this page alone: a vote whose forerunner was taken back here while nobody knew whether it had arrived.
  const post = ({ again, ...vote }) => call("POST", "/vote", vote);

  async function sendAll() {
    for (let votes = waiting(); votes.length; votes = waiting()) {
      const said = await post(votes[0]).catch((problem) => refused(votes[0], problem));
      outbox.drop(standing.user, votes[0]);
      if (said) note(said);
    }
    refill();
  }

  // What can never count is not sent again; what was typed with it goes back to the drafts.
  async function refused(vote, problem) {
    if (!NEVER.includes(problem.status)) throw problem;
    const stands = problem.status === 409 && !vote.revise;
    if (stands) {
      const on = await onRecord(vote);
      if (isSame(vote, on)) return null; // it arrived before, and only the word of it was lost
      if (vote.again) return post({ ...vote, revise: true }).catch((other) => refused({ ...vote, revise: true }, other));
    }
    const typed = vote.comment || vote.edit;
    if (typed) drafts.write(standing.user, vote.comparison_id, drafts.reopened(vote, drafts.read(standing.user, vote.comparison_id)));
    const gone = [404, 410].includes(problem.status); // made anew, as the cards were that were held with it
    if (gone) ready = ready.filter((card) => card.said);
    if (gone && typed) failed(t("label.made_anew", { words: [vote.comment, vote.edit].filter(Boolean).join("\n\n") }));
    else failed(stands ? t(typed ? "label.answered_elsewhere" : "label.stands_elsewhere") : problem.message);
    return null;
  }

  async function onRecord(vote) {
    const missing = (problem) => { if (NEVER.includes(problem.status)) return {}; throw problem; };
    return (await call("GET", `/history/${encodeURIComponent(vote.comparison_id)}`).catch(missing)).said || {};
  }

  // False where the card is too new, or where the browser cannot keep the vote.
  function vote(said) {
    const [card] = ready;
    if (!card || performance.now() - shownAt < SETTLE) return false;
    try {
      outbox.add(standing.user, { comparison_id: card.id, ...said, revise: card.revising, again: card.again });
    } catch {
      failed(t("label.storage_full"));
      return false;
    }
    voted.add(card.id);
    past.push(card);
    if (past.length > REMEMBERED) past.shift();
    ready = ready.slice(1);
    show();
    send();
    return true;
  }

  function front(card) {
    ready = [card, ...ready.filter((held) => held.id !== card.id)];
    show();
  }

  function undo() {
    undoing = undoing.then(undoOne).catch((problem) => failed(problem.message));
    return undoing;
  }

  async function undoOne() {
    await send();
    const unsent = waiting().at(-1);
    const card = unsent && past.findLast((each) => each.id === unsent.comparison_id);
    if (card) {
      outbox.drop(standing.user, unsent);
      voted.delete(card.id);
      return front({ ...card, said: unsent, again: true });
    }
    const { items, ...said } = await call("POST", "/undo");
    items.forEach((each) => voted.delete(each.id));
    note(said);
    front({ ...items[0], revising: items[0].restored }); // where only a change was taken back, what was said before stands
  }

  // An answer that stands, to be changed; `back` leaves it as it is.
  const reopen = (card) => front({ ...card, revising: true });
  function back() {
    if (!ready[0]?.revising) return false;
    ready = ready.slice(1);
    show();
    return true;
  }

  function tick() {
    if (document.hidden) return;
    if (waiting().length) send();
    if (!ready.length) refill();
  }

  return { refill, send, vote, undo, reopen, back, tick, card: () => ready[0], standing: () => standing, waiting: () => waiting().length };
}
