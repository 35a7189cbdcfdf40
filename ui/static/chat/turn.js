// One message. An answer grows as plain text while it is written, and is shown as it is meant when it is whole.
import { better } from "./better.js";

const { element: el, t, reading } = window.feedbackLoop;
const NEAR = 80; // pixels from the page's end, within which it follows the answer

export function turn(role, written = "") {
  const text = el("div", { class: "fl-text", dir: "auto" }, el("pre", { class: "fl-plain" }, written));
  const foot = el("p", { class: "fl-chat-foot" });
  const box = el("li", { class: `fl-chat-turn fl-chat-${role}` }, el("b", { class: "fl-who" }, t(`chat.${role}`)), text, foot);

  function add(piece) {
    const page = document.documentElement, follows = page.scrollHeight - page.scrollTop - page.clientHeight < NEAR;
    text.firstElementChild.append(piece);
    if (follows) box.scrollIntoView({ block: "end" });
  }

  function finish({ id, piece, ended, forgotten, shots }, wanted) {
    text.replaceChildren(reading.written(piece));
    const said = [ended ? t(`chat.${ended}`) : "", forgotten ? t("chat.forgotten", { n: forgotten }) : "", wanted ? t(shots ? "chat.examples.read" : "chat.examples.none", { n: shots }) : ""];
    foot.textContent = said.filter(Boolean).join(" ");
    if (id) box.append(better(id)); // one that was stopped has none
  }

  return { box, add, finish };
}
