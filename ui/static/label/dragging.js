// Dragging a chip along the row of places, with a mouse, a pen or a thumb. Where everything stands is measured once, when the
// drag begins; while it lasts only the chip is moved.
const FAR = 6; // px that a press moves before it is a drag: thumbs tremble
const EDGE = 0.2; // of a group's width, at either side, that still means "between"

export function startDrag(down, chip, drop) {
  if (down.button) return;
  const row = chip.closest(".fl-places");
  let places = null, target = null;

  function onMove(event) {
    const [x, y] = [event.clientX - down.clientX, event.clientY - down.clientY];
    if (!places && Math.hypot(x, y) < FAR) return;
    places ??= measure(row, chip);
    chip.classList.add("fl-dragged");
    chip.style.transform = `translate(${x}px, ${y}px)`;
    aim(targetAt(places, event.clientX));
  }

  function aim(next) {
    if (target?.mark !== next.mark) { target?.mark.classList.remove("fl-onto", "fl-before"); }
    next.mark.classList.toggle("fl-onto", next.tied || next.out);
    next.mark.classList.toggle("fl-before", !next.tied && !next.out);
    target = next;
  }

  function end(event) {
    stop.abort();
    target?.mark.classList.remove("fl-onto", "fl-before");
    chip.classList.remove("fl-dragged");
    chip.style.transform = "";
    if (!places) return;
    const swallow = (click) => click.stopImmediatePropagation(); // the click that ends the drag is no tap
    chip.addEventListener("click", swallow, { capture: true });
    setTimeout(() => { chip.removeEventListener("click", swallow, { capture: true }); drop(event.type === "pointerup" ? target : null); });
  }

  const stop = new AbortController(), { signal } = stop;
  chip.setPointerCapture(down.pointerId);
  chip.addEventListener("pointermove", onMove, { signal });
  chip.addEventListener("pointerup", end, { signal });
  chip.addEventListener("pointercancel", end, { signal });
}

function measure(row, chip) {
  const boxes = [...row.querySelectorAll(".fl-group")].map((group, at) => {
    const { left, right } = group.getBoundingClientRect();
    return { group, at, left, right, alone: group.children.length === 1 && group.contains(chip) };
  });
  const tray = row.querySelector(".fl-tray"), slot = row.querySelector(".fl-slot") || tray;
  return { boxes, tray, slot, out: tray.getBoundingClientRect().left };
}

function targetAt({ boxes, tray, slot, out }, x) {
  if (x >= out) return { out: true, mark: tray };
  for (const { group, at, left, right, alone } of boxes) {
    const edge = (right - left) * EDGE;
    if (x < left + edge) return { at, tied: false, mark: group };
    if (x < right - edge) return { at, tied: !alone, mark: group };
  }
  return { at: boxes.length, tied: false, mark: slot };
}
