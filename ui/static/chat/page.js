// The Chat page: talk to a policy of the run. The chat lives in this page alone and goes with it.
import { stream } from "./stream.js";
import { turn } from "./turn.js";

const { call, whenThere, element: el, t } = window.feedbackLoop;
const LEVELS = [[0, "none"], [0.1, "line"], [0.5, "half"], [1, "all"]]; // shares of the brief
const SHOTS = [0, 1, 3, 5]; // examples before the chat

whenThere("fl-chat", async (page) => {
  let turns = [], leave = null; // {role, content}; how to leave the answer under way
  const policy = el("select", { id: "fl-chat-policy" }), level = el("select", { id: "fl-chat-brief" }), shots = el("select", { id: "fl-chat-examples" });
  const brief = el("label", { hidden: true }, t("chat.brief"), level);
  const log = el("ol", { id: "fl-chat-log", role: "log", "aria-label": t("page.chat") });
  const note = el("p", { class: "fl-chat-note", role: "status" }), problem = el("p", { class: "fl-error", role: "alert", hidden: true });
  const text = el("textarea", { id: "fl-chat-text", rows: 3, maxlength: 20000, dir: "auto", "aria-label": t("chat.write"), placeholder: t("chat.write"), onkeydown: keys });
  const send = el("button", { id: "fl-chat-send", class: "fl-primary" }, t("chat.send"));
  const stop = el("button", { id: "fl-chat-stop", type: "button", hidden: true, onclick: () => call("POST", "/chat/stop").catch(complain) }, t("chat.stop"));

  page.replaceChildren(
    el("header", { class: "fl-head" }, el("h1", {}, t("page.chat")),
      el("div", { class: "fl-chat-choices" }, el("label", {}, t("chat.policy"), policy), brief, el("label", {}, t("chat.examples"), shots), el("button", { type: "button", id: "fl-chat-new", onclick: anew }, t("chat.new")))),
    log, note, problem,
    el("form", { class: "fl-chat-form", onsubmit: (event) => { event.preventDefault(); ask(); } }, text, el("div", {}, stop, send)),
    el("p", { class: "fl-note" }, t("chat.private")));

  function keys(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    ask();
  }

  function anew() {
    leave?.();
    turns = [];
    log.replaceChildren();
    complain("");
    text.focus();
  }

  function complain(error) {
    const line = error.message ?? error;
    Object.assign(problem, { textContent: line, hidden: !line });
  }

  function answering(on) {
    send.hidden = on;
    stop.hidden = !on;
    if (!on) note.textContent = "";
  }

  async function ask() {
    const written = text.value.trim(), left = new AbortController();
    if (!written || leave) return;
    leave = () => left.abort();
    complain("");
    answering(true);
    text.value = "";
    const mine = turn("user", written), theirs = turn("assistant");
    log.append(mine.box, theirs.box);
    theirs.box.scrollIntoView({ block: "nearest" });
    const asked = [...turns, { role: "user", content: written }];
    try {
      const done = await heard({ messages: asked, policy: policy.value, level: Number(level.value || 0), shots: Number(shots.value) }, theirs, left.signal);
      turns = [...asked, { role: "assistant", content: done.raw }];
    } catch (error) {
      if (left.signal.aborted) return; // a new chat has begun
      mine.box.remove();
      theirs.box.remove();
      text.value ||= written;
      complain(error);
    } finally {
      leave = null;
      answering(false);
      text.focus();
    }
  }

  // Shows an answer as it comes; what was said last, or an Error where that is no answer.
  async function heard(body, theirs, signal) {
    let last = null;
    await stream("/chat", body, (said) => {
      note.textContent = said.state === "waiting" ? t("chat.waiting") : said.state === "loading" ? t("chat.loading") : "";
      if (said.state === "text") theirs.add(said.text);
      if (said.state === "done" || said.state === "failed") last = said;
    }, signal);
    if (last?.state === "failed") throw new Error(t(`chat.trouble.${last.trouble}`, { text: last.text }));
    if (!last?.raw) throw new Error(t(last ? "chat.nothing" : "chat.broke_off"));
    theirs.finish(last, body.shots);
    return last;
  }

  try {
    const there = await call("GET", "/chat");
    policy.append(...[...there.policies].reverse().map((name) => new Option(name === there.current ? t("chat.in_force", { policy: name }) : name, name, name === there.current, name === there.current)));
    level.append(...LEVELS.map(([share, name]) => new Option(t(`chat.brief.${name}`), share)));
    const counts = [...new Set([...SHOTS, there.shots])].sort((a, b) => a - b);
    shots.append(...counts.map((n) => new Option(n, n, n === there.shots, n === there.shots)));
    brief.hidden = !there.brief;
    if (there.busy) complain(t("chat.trouble.busy"));
    text.focus();
  } catch (error) {
    complain(error);
  }
});
