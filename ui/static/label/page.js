// The Label page: its state, and who is told of what.
import { createActs } from "./acts.js";
import { bindings, listen } from "./bindings.js";
import { alarm, progress, show, tell } from "./board.js";
import { createClock } from "./clock.js";
import { createFlow } from "./flow.js";
import { drawEmpty, drawFrame } from "./frame.js";
import * as session from "./session.js";
import { updateLeft } from "./summary.js";

const { whenThere, t } = window.feedbackLoop;
const TICK = 2000; // ms between looks at what is unsent, or at whether there is something to rank at last

whenThere("fl-label", (page) => {
  const at = { page, slots: drawFrame(page), clock: createClock(), standing: null, card: null };
  at.acts = createActs(at, bindings);
  at.flow = createFlow({
    shown: (card) => shown(at, card),
    noted: (standing) => noted(at, standing),
    reached: () => { if (at.slots.alert.textContent === at.waitsFor) alarm(at, ""); },
    failed: (line) => alarm(at, line),
    waits: (line) => { at.waitsFor = line; alarm(at, line); },
  });
  show(at, null);
  progress(at);
  listen(at);
  at.flow.refill().then(at.flow.send);
  setInterval(at.flow.tick, TICK);
});

function shown(at, card) {
  const undone = card?.said && !card.revising;
  if (undone) session.takeBack(at.standing.user, card.id);
  show(at, card);
  if (undone || card?.restored) { alarm(at, ""); tell(at, t("label.undone")); }
}

function noted(at, standing) {
  at.standing = standing;
  progress(at);
  updateLeft(at.slots.summary, standing);
  if (!at.card) redrawEmpty(at);
}

// Only where it says something else: whoever stands on its link by keyboard stays there.
function redrawEmpty(at) {
  const drawn = drawEmpty(at.standing);
  if (at.drawn.isEqualNode(drawn)) return;
  at.slots.card.replaceChildren(drawn);
  at.drawn = drawn;
}
