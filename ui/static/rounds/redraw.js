// Drawing anew only what changed: what a reader has unfolded, typed or focused elsewhere stays as it is.
// `kept(key, data, build)` gives the element that was built for this key while its data is the same.
export function keeper() {
  const made = new Map();
  return (key, data, build) => {
    const text = JSON.stringify(data), before = made.get(key);
    if (before?.text === text) return before.node;
    const node = build();
    made.set(key, { text, node });
    return node;
  };
}

// The wanted elements as the children of `parent`, in their order; those that stay, and an open question, are not touched.
export function place(parent, wanted) {
  const nodes = wanted.filter(Boolean), held = document.activeElement?.id;
  for (const child of [...parent.childNodes]) if (!nodes.includes(child) && child.tagName !== "DIALOG") child.remove();
  nodes.forEach((node, at) => { if (parent.childNodes[at] !== node) parent.insertBefore(node, parent.childNodes[at] || null); });
  if (held && document.activeElement?.id !== held) document.getElementById(held)?.focus({ preventScroll: true });
}
