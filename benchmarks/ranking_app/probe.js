// In a labelling page: from the key that answers one record to the frame in which the next one has been painted.
// `record` selects the element whose attribute `mark` names the record on the screen.
({ record, mark }) => {
  const shown = () => document.querySelector(record)?.getAttribute(mark) ?? null;
  const at = { id: shown(), key: 0, took: 0, keys: {}, changed: 0, painted: 0, first: 0 };

  addEventListener("keydown", (event) => { at.key = event.timeStamp; }, { capture: true });

  // The browser's own figure for a key: to the presentation of the frame after its handlers. It leaves out what is below 16 ms.
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === "keydown") at.keys[entry.startTime] = entry.duration;
  }).observe({ type: "event", durationThreshold: 16, buffered: false });

  const inside = (change) => change.target.nodeType === 1 && change.target.closest(record);
  new MutationObserver((changes) => {
    const id = shown();
    const another = id !== null && id !== at.id;
    if (!another && !changes.some(inside)) return;
    const now = performance.now();
    if (another) Object.assign(at, { id, first: 0, took: at.key });
    at.changed = now;
    at.painted = 0;
    // A frame's callbacks run before it is painted, so those of the frame after it run when it has been.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (at.changed !== now) { at.first ||= another ? performance.now() : 0; return; }
      at.painted = performance.now();
      at.first ||= at.painted;
    }));
  }).observe(document.documentElement, { subtree: true, childList: true, characterData: true, attributes: true });

  const pause = (ms) => new Promise((go) => setTimeout(go, ms));

  // Another record than `before`, painted and unchanged for `quiet` ms, with the time of the key that brought it; null after `patience` ms.
  async function next(before, quiet, patience) {
    const ends = performance.now() + patience;
    for (;;) {
      const now = performance.now();
      if (at.id !== before && at.painted && now - at.changed >= quiet) return { id: at.id, key: at.took, first: at.first, painted: at.painted };
      if (now > ends) return null;
      await pause(1);
    }
  }

  async function frames(count) {
    const times = [];
    while (times.length <= count) times.push(await new Promise(requestAnimationFrame));
    return times.slice(1).map((time, place) => time - times[place]);
  }

  window.probe = { next, frames, id: () => at.id, keys: () => at.keys, visible: () => document.visibilityState === "visible" };
}
