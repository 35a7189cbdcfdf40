// The Users page, for owners: who has an account, and invites.
(() => {
  const { call, whenThere, element: el, t } = window.feedbackLoop;
  const button = (key, press, attributes = {}) => el("button", { type: "button", onclick: press, ...attributes }, t(key));

  whenThere("fl-users", (page) => {
    let shown = { you: "", users: [] }, error = "", made = null, busy = false;

    async function act(work) {
      if (busy) return;
      busy = true;
      try { error = ""; await work(); } catch (problem) { error = problem.message; } finally { busy = false; }
      await refresh();
    }

    async function refresh() {
      try { shown = await call("GET", "/users"); } catch (problem) { error ||= problem.message; }
      draw();
    }

    const invite = (role, days, name) => act(async () => { made = { ...(await call("POST", "/users/invite", { role, days, name })), name }; });
    const change = (name, to) => act(() => call("POST", "/users/change", { name, to }));

    function draw() {
      page.replaceChildren(el("h1", {}, t("page.users")), el("p", { class: "fl-error", role: "alert", hidden: !error }, error),
        el("ul", { class: "fl-users" }, shown.users.map(person)), form(), link() || "");
    }

    function person(user) {
      const other = user.role === "owner" ? "annotator" : "owner", mine = user.name === shown.you;
      return el("li", { "data-name": user.name, class: user.disabled ? "fl-out" : "" },
        el("div", {}, el("b", { dir: "auto" }, user.name), mine ? ` (${t("users.you")})` : "",
          el("small", {}, [t(`users.role.${user.role}`), t("users.since", { time: user.created_at }), user.disabled ? t("users.disabled") : ""].filter(Boolean).join(" · "))),
        el("div", { class: "fl-acts" },
          button(`users.make_${other}`, () => change(user.name, other)),
          button("users.sign_out", () => change(user.name, "signed out")),
          user.disabled ? button("users.enable", () => change(user.name, "enabled")) : button("users.disable", () => change(user.name, "disabled")),
          user.disabled ? null : button("users.reset", () => invite(user.role, 1, user.name))));
    }

    function form() {
      const role = el("select", { id: "fl-invite-role" }, ["annotator", "owner"].map((each) => el("option", { value: each }, t(`users.role.${each}`))));
      const days = el("input", { id: "fl-invite-days", type: "number", min: 1, max: 90, value: 7, required: true });
      const name = el("input", { id: "fl-invite-name", maxlength: 40, autocomplete: "off" });
      const send = (event) => { event.preventDefault(); invite(role.value, Number(days.value), name.value.trim()); };
      return el("form", { class: "fl-invite", onsubmit: send }, el("h2", {}, t("users.invite")),
        el("label", {}, t("users.role"), role), el("label", {}, t("users.for"), name), el("label", {}, t("users.days"), days),
        el("button", { class: "fl-primary" }, t("users.make")));
    }

    function link() {
      if (!made) return null;
      const place = el("input", { id: "fl-invite-link", readonly: true, value: made.url, dir: "ltr", "aria-label": t("users.make"), onfocus: (event) => event.target.select() });
      const copy = button("users.copy", async () => {
        place.select();
        try { await navigator.clipboard.writeText(made.url); copy.textContent = t("users.copied"); } catch { /* it is selected */ }
      });
      return el("div", { class: "fl-invited", role: "status" }, el("p", {}, made.name ? el("b", { dir: "auto" }, `${made.name}: `) : "", t("users.link", { days: made.days })), place, copy);
    }

    refresh();
  });
})();
