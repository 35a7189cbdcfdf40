// This sitting's answers: how many, and how long each took. Kept for the tab, so that a reload does not begin anew.
const place = (user) => `feedback-loop-session/${user}`;
const read = (user) => JSON.parse(sessionStorage.getItem(place(user)) || "[]");

// All answers of the sitting with this one, as `{ id, seconds }`.
export function add(user, id, seconds) {
  const all = [...read(user), { id, seconds }];
  sessionStorage.setItem(place(user), JSON.stringify(all));
  return all;
}

export const takeBack = (user, id) => sessionStorage.setItem(place(user), JSON.stringify(read(user).filter((each) => each.id !== id)));

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
