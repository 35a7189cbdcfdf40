// A modal sheet: the browser's own <dialog> keeps the focus inside, closes on Escape and gives the focus back.
const { element: el, t } = window.feedbackLoop;

// `field`: the child to begin in, else the sheet itself.
export function openSheet(page, { id, title, field }, ...children) {
  if (page.querySelector("dialog[open]")) return null;
  const close = el("button", { type: "button", class: "fl-close", "aria-label": t("label.close"), onclick: () => sheet.close() }, "✕");
  const sheet = el("dialog", { id, class: "fl-sheet", tabindex: "-1", "aria-labelledby": `${id}-title`, onclose: () => sheet.remove() },
    el("header", {}, el("h2", { id: `${id}-title` }, title), close), ...children);
  sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); }); // beside it
  page.append(sheet);
  sheet.showModal();
  (field || sheet).focus();
  return sheet;
}
