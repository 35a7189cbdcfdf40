// A modal sheet: the browser's own <dialog> keeps the focus inside, closes on Escape and gives the focus back.
const { element: el, t } = window.feedbackLoop;

// `field`: the child to begin in, else its title.
export function openSheet(page, { id, title, field }, ...children) {
  if (page.querySelector("dialog[open]")) return null;
  const heading = el("h2", { id: `${id}-title`, tabindex: "-1" }, title);
  const close = el("button", { type: "button", class: "fl-close", "aria-label": t("label.close"), onclick: () => sheet.close() }, "✕");
  const sheet = el("dialog", { id, class: "fl-sheet", "aria-labelledby": `${id}-title`, onclose: () => sheet.remove() },
    el("header", {}, heading, close), ...children);
  sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); }); // beside it
  page.append(sheet);
  sheet.showModal();
  (field || heading).focus();
  return sheet;
}
