// How long a comparison has been looked at: from its being painted, while the page is in sight.
const DAY = 24 * 3600; // s: more than that the app does not take

export function createClock() {
  let spent = 0, since = null, showing = 0;
  const pause = () => { if (since !== null) spent += performance.now() - since; since = null; };
  const go = () => { if (since === null && !document.hidden) since = performance.now(); };
  document.addEventListener("visibilitychange", () => (document.hidden ? pause() : go()));

  function start() {
    const mine = ++showing;
    spent = 0; since = null;
    requestAnimationFrame(() => setTimeout(() => mine === showing && go()));
  }

  const seconds = () => Math.min(DAY, Math.round(spent + (since === null ? 0 : performance.now() - since)) / 1000);

  return { start, seconds };
}
