// An order of answers: groups of sides, best first, those of a group as good as each other. Nothing here changes its argument.
const without = (order, side) => order.map((group) => group.filter((each) => each !== side)).filter((group) => group.length);
const groupOf = (order, side) => order.findIndex((group) => group.includes(side));

export const place = (order, side) => [...without(order, side), [side]];

export function tie(order, side) {
  const rest = without(order, side);
  return rest.length ? [...rest.slice(0, -1), [...rest.at(-1), side]] : [[side]];
}

export const remove = without;

export const takeBack = (order) => (order.length ? without(order, order.at(-1).at(-1)) : order);

// Before the group that stands at `at`, or tied with it.
export function move(order, side, at, tied) {
  const target = order[at]?.find((each) => each !== side);
  const rest = without(order, side);
  if (tied && target) return rest.map((group) => (group.includes(target) ? [...group, side] : group));
  const before = order.slice(at).flat().find((each) => each !== side);
  const place = before ? groupOf(rest, before) : rest.length;
  return rest.toSpliced(place, 0, [side]);
}

// Half a step: out of a tie, or into one with the next group.
export function step(order, side, by) {
  const at = groupOf(order, side);
  if (at < 0) return order;
  if (order[at].length > 1) return without(order, side).toSpliced(by < 0 ? at : at + 1, 0, [side]);
  return order[at + by] ? move(order, side, at + by, true) : order;
}

// All answers, in order: whatever alone is left comes last. Null while more are left.
export function whole(order, sides) {
  const left = sides.filter((side) => groupOf(order, side) < 0);
  return left.length > 1 ? null : left.length ? [...order, left] : order;
}

export const placeOf = (order, side) => groupOf(order, side) + 1;
