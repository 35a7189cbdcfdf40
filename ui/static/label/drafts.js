// What a person typed and has not sent, by person and comparison, in this browser's storage: it outlives a reload.
const place = (user, id) => `feedback-loop-draft/${user}/${id}`;
export const OWN = "own"; // the key of an answer written from nothing, beside the sides that an edit may be made from

// `edits` by side; `open`: the side whose editor is open; `saved`: the side whose edit goes with the order that is being made.
export const BLANK = { comment: "", commenting: false, flagged: false, edits: {}, open: null, saved: null, order: [] };

export function read(user, id) {
  let kept = {};
  try { kept = JSON.parse(localStorage.getItem(place(user, id)) || "{}"); } catch { /* a draft that cannot be read is none */ }
  return { ...BLANK, ...kept };
}

export function write(user, id, draft) {
  const said = Object.entries(draft).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(BLANK[name]));
  if (said.length) localStorage.setItem(place(user, id), JSON.stringify(Object.fromEntries(said)));
  else forget(user, id);
}

export const forget = (user, id) => localStorage.removeItem(place(user, id));

// The draft that an answer was made of, to go on from; what was typed since and not sent stands above it.
export function reopened(said, kept) {
  const side = said.edit ? said.edit_of || OWN : null;
  return {
    ...kept,
    comment: kept.comment || said.comment || "", commenting: Boolean(kept.comment || said.comment),
    flagged: kept.flagged || Boolean(said.flagged),
    edits: { ...(side && { [side]: said.edit }), ...kept.edits }, open: kept.open || side, saved: side,
    order: kept.order.length ? kept.order : said.order || [],
  };
}
