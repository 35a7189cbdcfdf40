// The sheet of shortcuts, drawn from what the keyboard obeys, so that the two cannot differ.
import { openSheet } from "./dialog.js";

const { element: el, t } = window.feedbackLoop;

export function openShortcuts(page, groups) {
  const tables = groups.map(({ title, keys }) => el("section", {}, el("h3", {}, title),
    el("dl", {}, keys.map(({ shown, text }) => el("div", {}, el("dt", {}, shown.map((key) => el("kbd", {}, key))), el("dd", {}, text))))));
  openSheet(page, { id: "fl-shortcuts-sheet", title: t("label.shortcuts") }, el("div", { class: "fl-keys" }, tables),
    el("p", { class: "fl-note" }, t("keys.layouts")));
}
