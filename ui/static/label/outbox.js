// Votes that the app has not acknowledged yet, in this browser's storage. They belong to the person, not to the browser, and
// are read anew each time: there may be two tabs.
const place = (user) => `feedback-loop-outbox/${user}`;

export const waiting = (user) => JSON.parse(localStorage.getItem(place(user)) || "[]");

const keep = (user, votes) => localStorage.setItem(place(user), JSON.stringify(votes));

// Throws where the browser's storage is full: the vote is not taken then, and its card stays.
export const add = (user, vote) => keep(user, [...waiting(user), vote]);

export function drop(user, vote) {
  const said = JSON.stringify(vote), votes = waiting(user), at = votes.findIndex((each) => JSON.stringify(each) === said);
  if (at >= 0) keep(user, votes.toSpliced(at, 1));
}
