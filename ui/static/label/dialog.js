// A modal sheet: the browser's own <dialog> keeps the focus inside, closes on Escape and gives the focus back.
const { element: el, t } = window.feedbackLoop;

export function openSheet(page, { id, title }, ...children) {
  if (page.querySelector("dialog[open]")) return null;
  const close = el("button", { type: "button", class: "fl-close", "aria-label": t("label.close"), onclick: () => sheet.close() }, "✕");
  const sheet = el("dialog", { id, class: "fl-sheet", "aria-labelledby": `${id}-title`, onclose: () => sheet.remove() },
    el("header", {}, el("h2", { id: `${id}-title` }, title), close), ...children);
  sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); }); // beside it
  page.append(sheet);
  sheet.showModal();
  return sheet;
}
