// "This would be better as...": with the person's consent, an answer, a second one and what they say of both are stored.
const { call, element: el, t, reading } = window.feedbackLoop;
const SIDES = ["first", "second"];

// A button that opens the correction below an answer; `id` is the app's name for that answer.
export function better(id) {
  const place = el("div", { class: "fl-chat-better" });
  const open = el("button", { type: "button", class: "fl-small", onclick: begin }, t("chat.better"));
  place.append(open);

  async function begin() {
    open.disabled = true;
    place.replaceChildren(el("p", { role: "status" }, t("chat.better.second")));
    try {
      place.replaceChildren(form(await call("POST", "/chat/second", { id })));
      place.querySelector("textarea").focus();
    } catch (problem) {
      close(problem.message);
    }
  }

  function close(said = "") {
    open.disabled = false;
    place.replaceChildren(open, said ? el("span", { class: "fl-error", role: "alert" }, ` ${said}`) : "");
  }

  function form(pair) {
    const text = el("textarea", { rows: 5, maxlength: 20000, dir: "auto" });
    text.value = pair.edit;
    const problem = el("p", { class: "fl-error", role: "alert", hidden: true });
    const choices = [...SIDES, "tie", "neither"].map((choice) => el("label", {}, el("input", { type: "radio", name: `fl-better-${pair.id}`, value: choice, required: true }), ` ${t(`said.${choice}`)}`));
    const made = el("form", { onsubmit: (event) => { event.preventDefault(); save(); } },
      el("p", { class: "fl-chat-consent" }, t("chat.better.consent")),
      el("div", { class: "fl-answers" }, pair.answers.map((piece, n) => el("section", { class: "fl-answer" }, el("h2", {}, t(`side.${SIDES[n]}`)), el("div", { class: "fl-text", dir: "auto" }, reading.written(piece))))),
      el("fieldset", {}, el("legend", {}, t("chat.better.which")), choices),
      el("label", {}, t("chat.better.how"), text), problem,
      el("div", { class: "fl-chat-acts" }, el("button", { type: "button", onclick: () => close() }, t("chat.better.leave")), el("button", { class: "fl-primary" }, t("chat.better.save"))));

    async function save() {
      const choice = made.querySelector("input:checked").value;
      try {
        await call("POST", "/chat/keep", { id: pair.id, choice, edit: text.value });
        place.replaceChildren(el("p", { role: "status" }, t("chat.better.saved")));
      } catch (error) {
        Object.assign(problem, { textContent: error.message, hidden: false });
      }
    }
    return made;
  }

  return place;
}
