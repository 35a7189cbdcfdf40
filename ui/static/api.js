// One way to talk to the app's routes: JSON in, JSON out, and an Error whose `status` is 0 when nothing was reached.
window.feedbackLoop = (() => {
  let person; // whose page this is: whoever logs in beside it in this browser must not answer by it

  async function call(method, path, body) {
    const whose = person === undefined ? {} : { "X-Feedback-Loop-User": encodeURIComponent(person) };
    let answer;
    try {
      answer = await fetch(`/api${path}`, {
        method,
        headers: { "Content-Type": "application/json", "X-Feedback-Loop": "1", ...whose },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch {
      throw Object.assign(new Error(window.feedbackLoop.t("error.offline")), { status: 0 });
    }
    if (answer.status === 401) location.assign("/login");
    if (answer.status === 412) location.reload(); // somebody else has logged in: all that waits is kept by person
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Object.assign(new Error(said.error || window.feedbackLoop.t("error.status", { status: answer.status })), { status: answer.status });
    person ??= said.user;
    return said;
  }

  // Gradio draws a page's frame some time after the scripts are loaded.
  function whenThere(id, start) {
    const found = document.getElementById(id);
    if (found) return start(found);
    const watch = new MutationObserver(() => {
      const frame = document.getElementById(id);
      if (frame) { watch.disconnect(); start(frame); }
    });
    watch.observe(document.documentElement, { childList: true, subtree: true });
  }

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (name === "style") made.style.cssText = value; // as an attribute, the content policy would refuse it
      else if (value !== false && value !== null) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return made;
  }

  return { call, whenThere, element };
})();
