// Votes that the app has not acknowledged yet, in this browser's storage. They belong to the person, not to the browser. Each
// stands under a key of its own: two tabs that write at once cannot undo one another's.
const place = (user) => `feedback-loop-outbox/${encodeURIComponent(user)}/`;
let added = 0;

const keys = (user) => Object.keys(localStorage).filter((key) => key.startsWith(place(user))).sort();

export const waiting = (user) => keys(user).map((key) => localStorage.getItem(key)).filter(Boolean).map((vote) => JSON.parse(vote));

// Throws where the browser's storage is full: the vote is not taken then, and its card stays.
export function add(user, vote) {
  const after = `${Date.now()}-${`${++added}`.padStart(6, "0")}-${Math.random().toString(36).slice(2)}`;
  localStorage.setItem(place(user) + after, JSON.stringify(vote));
}

export function drop(user, vote) {
  const said = JSON.stringify(vote), key = keys(user).find((each) => localStorage.getItem(each) === said);
  if (key) localStorage.removeItem(key);
}
