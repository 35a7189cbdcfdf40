// What a pressed key means, whatever the keyboard's layout.

// Its name ("1", "s", "?", "Enter"), or null where it belongs to the browser, to an input method or to a key held down.
export function keyOf(event) {
  if (event.isComposing || event.keyCode === 229 || event.repeat) return null;
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (event.key === "?") return "?";
  return digitOf(event) ?? letterOf(event) ?? event.key;
}

// By the key's place: which character it types with Shift, or without, hangs on the layout. The number pad's keys are digits
// only while NumLock is on.
export function digitOf(event) {
  const place = /^(Digit|Numpad)([0-9])$/.exec(event.code);
  if (place && (place[1] === "Digit" || event.key === place[2])) return place[2];
  return !event.code && /^[0-9]$/.test(event.key) ? event.key : null;
}

// By the letter that it types; by its place where the layout types no Latin letters.
function letterOf(event) {
  if (/^[a-z]$/i.test(event.key)) return event.key.toLowerCase();
  const foreign = event.key?.length === 1 && /\p{L}/u.test(event.key);
  return (foreign && /^Key([A-Z])$/.exec(event.code)?.[1].toLowerCase()) || null;
}

export const isTyping = (target) => Boolean(target.closest?.("input, textarea, select, [contenteditable=true]"));
