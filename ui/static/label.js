// The Label page. The next comparison is held ready, so a vote shows it at once and is sent in the background. A vote that
// cannot be sent waits in this browser's storage and is sent again until the app has it.
(() => {
  const { call, whenThere, element: el, t, pool } = window.feedbackLoop;
  const CHOICES = [
    ["first", "1", "First is better"], ["second", "2", "Second is better"],
    ["tie", "3", "Equally good"], ["neither", "4", "Neither is good"],
  ];
  const MUCH = { first: "First is much better", second: "Second is much better" };
  const SETTLE = 350; // ms in which a new card takes no vote: a double click must not answer what nobody has read

  whenThere("fl-label", (page) => {
    const voted = new Set(); // in this page: an answer that was asked for before a vote must not bring its card back
    let ready = [], standing = null, error = "", shownAt = 0, sending = null, filling = false, comment = "", commenting = false;

    // The outbox belongs to the person, not to the browser, and is read anew each time: there may be two tabs.
    const place = () => `feedback-loop-outbox/${standing.user}`;
    const outbox = () => (standing ? JSON.parse(localStorage.getItem(place()) || "[]") : []);
    const keep = (votes) => localStorage.setItem(place(), JSON.stringify(votes));
    const passed = () => [...voted, ...outbox().map((vote) => vote.comparison_id), ...ready.map((card) => card.id)].slice(-200).join(",");

    async function refill() {
      if (filling) return;
      filling = true;
      try {
        const before = ready[0]?.id;
        const said = await call("GET", `/next?skip=${encodeURIComponent(passed())}`);
        standing = said;
        const waiting = new Set(outbox().map((vote) => vote.comparison_id));
        for (const card of said.items) {
          if (ready.length < 3 && !voted.has(card.id) && !waiting.has(card.id) && !ready.some((held) => held.id === card.id)) ready.push(card);
        }
        if (error === t("error.offline")) error = "";
        if (ready[0]?.id !== before) shownAt = performance.now();
        before && ready[0]?.id === before ? drawProgress() : draw();
      } catch (problem) { say(problem.message); } finally { filling = false; }
    }

    const NEVER = [400, 404, 410, 422]; // it can never count: it is told, and not sent again
    function send() {
      sending ??= sendAll().catch((problem) => say(problem.message)).finally(() => { sending = null; });
      return sending;
    }

    async function sendAll() {
      for (let votes = outbox(); votes.length; votes = outbox()) {
        const said = await call("POST", "/vote", votes[0]).catch((problem) => {
          if (NEVER.includes(problem.status)) say(problem.message);
          else if (problem.status !== 409) throw problem; // 409: it stands already
          return null;
        });
        keep(outbox().filter((vote) => vote.comparison_id !== votes[0].comparison_id));
        if (said) { standing = { ...standing, ...said }; drawProgress(); }
      }
      if (error === t("error.offline")) say("");
      if (ready.length < 2) refill();
    }

    function vote(choice, strength) {
      const card = ready[0];
      if (!card || performance.now() - shownAt < SETTLE) return;
      keep([...outbox(), { comparison_id: card.id, choice, strength, comment }]);
      voted.add(card.id);
      ready.shift();
      comment = ""; commenting = false; shownAt = performance.now();
      draw();
      send();
    }

    async function undo() {
      try {
        await send();
        const said = await call("POST", "/undo");
        said.items.forEach((card) => voted.delete(card.id));
        ready = [...said.items, ...ready.filter((card) => card.id !== said.items[0]?.id)];
        standing = { ...standing, ...said }; error = ""; comment = ""; shownAt = performance.now();
        draw();
      } catch (problem) { say(problem.message); }
    }

    function say(line) {
      error = line;
      const shown = page.querySelector(".fl-error");
      if (shown) { shown.textContent = line; shown.hidden = !line; } else draw();
    }

    function openComment() {
      commenting = true; draw();
      page.querySelector("textarea")?.focus();
    }

    function drawProgress() {
      page.querySelector(".fl-progress")?.replaceWith(progress());
    }

    function progress() {
      const p = standing?.progress || { answered: 0, needed: 0, mine: 0 };
      const share = p.needed ? Math.min(100, (100 * p.answered) / p.needed) : 0;
      return el("div", { class: "fl-progress" },
        el("div", { class: "fl-bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": p.needed, "aria-valuenow": p.answered, "aria-label": "Rankings of this round" },
          el("span", { style: `width:${share}%` })),
        el("span", { class: "fl-count" }, `${p.answered} of ${p.needed} this round · ${p.mine} by you`),
        p.needed && p.answered >= p.needed ? el("a", { class: "fl-enough", href: "/rounds" }, "Enough for a round →") : null);
    }

    function request(card) {
      const earlier = card.prompt.slice(0, -1), last = card.prompt.at(-1);
      return el("section", { class: "fl-prompt", "aria-label": "Request" },
        ...earlier.map((turn) => el("p", { class: "fl-turn" }, el("b", {}, turn.role), " ", turn.text)), el("p", {}, last.text));
    }

    function answer(card, index) {
      const text = el("div", { class: "fl-text", dir: "auto" });
      text.innerHTML = card.answers[index]; // made safe on the server
      return el("article", { class: "fl-answer", "data-side": CHOICES[index][0] },
        el("h2", {}, index ? "Second" : "First"), text);
    }

    const button = (name, key, text, act, more = {}) =>
      el("button", { type: "button", id: `fl-${name}`, onclick: act, ...more }, el("span", {}, text), el("kbd", {}, key));

    // "Much better" sits at the outer edge of the two choices that can have it: from left to right it is one scale.
    function voteButton([name, key, text]) {
      const plain = button(name, key, text, () => vote(name), { class: `fl-vote fl-${name}` });
      if (!MUCH[name]) return plain;
      const much = button(`${name}-much`, `⇧${key}`, "much", () => vote(name, "much"), { class: "fl-much", title: `${MUCH[name]} (Shift+${key})`, "aria-label": MUCH[name] });
      return el("div", { class: `fl-pair fl-${name}`, role: "group" }, plain, much);
    }

    function draw() {
      const focused = document.activeElement?.closest("#fl-label button")?.id;
      fill(ready[0]);
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    }

    function fill(card) {
      const alert = el("p", { class: "fl-error", role: "alert", hidden: !error }, error);
      if (!card) return page.replaceChildren(progress(), alert, nothing());
      const field = commenting
        ? el("textarea", { class: "fl-comment", rows: "2", placeholder: "What was wrong, or right? It is kept with your answer.", "aria-label": "Comment", oninput: (e) => { comment = e.target.value; } }, comment)
        : null;
      page.replaceChildren(
        progress(), alert,
        el("div", { class: "fl-card", "data-comparison-id": card.id },
          request(card), el("div", { class: "fl-answers" }, answer(card, 0), answer(card, 1))),
        ...(field ? [field] : []),
        el("div", { class: "fl-votes" }, CHOICES.map(voteButton)),
        el("div", { class: "fl-more" }, button("skip", "S", "Skip", () => vote("skip")), button("undo", "U", "Undo", undo), button("comment", "C", "Comment", openComment)));
    }

    function nothing() {
      if (!standing) return el("div", { class: "fl-empty" }, el("p", {}, "Loading…"));
      const { state } = standing.fetching;
      return el("div", { class: "fl-empty", "data-supply": state }, ...pool.nothing(standing.fetching), state === "first" ? null :
        el("div", { class: "fl-more" }, button("undo", "U", "Undo", undo)));
    }

    document.addEventListener("keydown", (event) => {
      const typing = event.target.closest?.("input, textarea, select, [contenteditable=true]");
      if (typing) { if (event.key === "Escape") event.target.blur(); return; }
      if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
      // By the key's place: which character it types with Shift, or without, hangs on the layout.
      const typed = event.code.startsWith("Digit") ? event.code.slice(5) : event.key;
      const choice = CHOICES.find(([name, key]) => key === typed && (!event.shiftKey || MUCH[name]))?.[0];
      const act = choice ? () => vote(choice, event.shiftKey ? "much" : undefined) : { s: () => vote("skip"), u: undo, c: openComment }[event.key.toLowerCase()];
      if (act) { event.preventDefault(); act(); }
    });
    draw();
    refill().then(send);
    setInterval(() => {
      if (document.hidden) return;
      if (outbox().length) send();
      if (!ready.length) refill();
    }, 2000);
  });
})();
