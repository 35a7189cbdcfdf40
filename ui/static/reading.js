// How a text of a comparison is read: as it is meant or as it was written, with what differs marked, folded where it is long.
// The app made the HTML safe (`ui/render.py`); everything else is put in as text.
(() => {
  const { call, element: el, t } = window.feedbackLoop;
  const SIDES = ["first", "second", "third", "fourth"], KEYS = { p: "plain", d: "diff", l: "linked", m: "more" };
  const KEPT = "feedback-loop-reading", MOST_DRESSED = 60, MOST_DIFFS = 30;
  const options = { plain: false, diff: false, linked: true, ...JSON.parse(localStorage.getItem(KEPT) || "{}") };
  const texts = new WeakMap(); // the element of a text, and what it shows
  const diffs = new Map(); // by comparison: what differs, or the promise of it

  // ---- one text: {card, part, side (of an answer), pieces, rich, box, text, more}

  function show(card, part, first, { side = null, rich = false, named = null } = {}) {
    const one = { card, part, side, rich, named, pieces: [first], open: false, long: false };
    one.text = el("div", { class: "fl-text", onscroll: () => follow(one), onfocusin: () => !one.open && one.long && unfold(one) });
    one.more = el("button", { type: "button", class: "fl-unfold fl-small", hidden: true, "aria-expanded": "false", onclick: () => more(one) });
    one.box = el("div", { class: "fl-reading", "data-part": part }, one.text,
      el("div", { class: "fl-read-foot" }, one.more, copier(() => whole(card, part))));
    texts.set(one.box, one);
    draw(one);
    sizes.observe(one.text);
    return one.box;
  }

  function draw(one) {
    const { text, pieces, side, rich } = one;
    const marked = options.diff && side !== null && one.card.answers.length > 1 ? differing(one) : null;
    const empty = pieces.length === 1 && !pieces[0].text.trim();
    text.replaceChildren(...(empty ? [el("i", { class: "fl-nothing" }, t("read.empty"))] : marked || pieces.map((piece) => (rich && !options.plain ? written(piece) : plain(piece)))));
  }

  const plain = (piece) => el("pre", { class: "fl-plain" }, piece.text);

  function written(piece) {
    const made = el("div", { class: "fl-rich" });
    made.innerHTML = piece.html;
    [...made.querySelectorAll("pre")].slice(0, MOST_DRESSED).forEach(dressCode);
    for (const table of made.querySelectorAll("table")) {
      const frame = el("div", { class: "fl-table", role: "group", tabindex: "0", "aria-label": t("read.table") });
      table.replaceWith(frame);
      frame.append(table);
    }
    return made;
  }

  function dressCode(code) {
    const language = code.firstElementChild?.className.replace("language-", "").slice(0, 30);
    const frame = el("div", { class: "fl-code" }, el("div", { class: "fl-code-head" }, el("span", {}, language || t("read.code")), copier(() => code.textContent)));
    code.replaceWith(frame);
    frame.append(code);
  }

  // ---- long texts

  // Called once a text was laid out, before it is painted, and whenever its width changed.
  const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => fit(texts.get(target.parentElement))));

  function fit(one) {
    const { text, more: button, pieces, open } = one, rest = pieces.at(-1).rest?.words || 0;
    one.box.classList.remove("fl-folded");
    const hidden = text.scrollHeight - text.clientHeight;
    one.long = open || rest > 0 || hidden > 1;
    one.box.classList.toggle("fl-folded", !open && one.long);
    scrollable(one, open && hidden > 1);
    button.hidden = !one.long;
    button.setAttribute("aria-expanded", open);
    if (!one.long) return;
    const words = pieces.reduce((sum, piece) => sum + piece.words, 0);
    const left = rest + (open ? 0 : (words * (text.scrollHeight - text.clientHeight)) / text.scrollHeight);
    button.textContent = left >= 1 ? t("read.more", { n: rounded(left) }) : open ? t("read.less") : t("read.more_plain");
  }

  // What scrolls by itself can be reached and is named, for the keyboard and for screen readers.
  function scrollable({ text, named }, scrolls) {
    const attributes = { tabindex: "0", role: "group", "aria-label": named || t("label.request") };
    for (const [name, value] of Object.entries(attributes)) scrolls ? text.setAttribute(name, value) : text.removeAttribute(name);
  }

  // A share of the words by height is not a count.
  const rounded = (words) => (words < 20 ? Math.ceil(words) : Number(words.toPrecision(2)));

  function more(one) {
    if (!one.open) return unfold(one);
    if (one.pieces.at(-1).rest) return goOn(one);
    return beside(one).forEach((each) => turn(each, false));
  }

  // Answers are unfolded together: one read to its end beside one that is not would be judged unfairly.
  const unfold = (one) => beside(one).forEach((each) => turn(each, true));

  function turn(one, open) {
    one.open = open && one.long;
    one.box.classList.toggle("fl-open", one.open);
    if (!one.open) one.text.scrollTop = 0;
    fit(one);
  }

  async function goOn(one) {
    one.more.disabled = true;
    try {
      const piece = await call("GET", `/comparisons/${encodeURIComponent(one.card.id)}/${one.part}?start=${one.pieces.at(-1).rest.start}`);
      one.pieces.push(piece);
      if (!(options.diff && one.side !== null)) one.text.append(one.rich && !options.plain ? written(piece) : plain(piece));
    } catch { /* the button stays, to be pressed again */ } finally {
      one.more.disabled = false;
      fit(one);
    }
  }

  const beside = (one) => (one.side === null ? [one] : answersIn(one.box.closest(".fl-answers") || one.box));
  const answersIn = (place) => [place, ...place.querySelectorAll(".fl-reading")].map((box) => texts.get(box)).filter((one) => one && one.side !== null);

  // ---- scrolling together, each by the same share of its length

  const led = new Set(); // texts that scroll because another one did
  function follow(one) {
    if (led.delete(one)) return;
    if (!options.linked || one.side === null || !one.open) return;
    const share = one.text.scrollTop / (one.text.scrollHeight - one.text.clientHeight || 1);
    for (const other of beside(one)) {
      if (other === one || !other.open) continue;
      const to = Math.round(share * (other.text.scrollHeight - other.text.clientHeight));
      if (Math.abs(to - other.text.scrollTop) < 1) continue;
      led.add(other);
      other.text.scrollTop = to;
    }
  }

  // ---- what differs

  function differing(one) {
    const known = prepare(one.card);
    if (!known.answers) return null;
    const tag = one.side === 0 ? "del" : "ins", pieces = known.answers[one.side];
    const shown = el("pre", { class: "fl-plain fl-diff" }, pieces.map(([only, text]) => (only ? el(tag, {}, text) : text)));
    return known.cut ? [shown, el("p", { class: "fl-note" }, t("read.compared_first", { n: known.most }))] : [shown];
  }

  // What differs in a comparison, asked for once, where that is wanted; those that show it are drawn anew when it is here.
  function prepare(card) {
    if (!options.diff || diffs.has(card.id)) return diffs.get(card.id) || {};
    diffs.set(card.id, {});
    if (diffs.size > MOST_DIFFS) diffs.delete(diffs.keys().next().value);
    call("GET", `/comparisons/${encodeURIComponent(card.id)}/diff`).then((said) => {
      diffs.set(card.id, said);
      redraw((one) => one.card.id === card.id);
    }, () => diffs.delete(card.id));
    return diffs.get(card.id);
  }

  // ---- what a person chooses

  function redraw(which) {
    for (const box of document.querySelectorAll(".fl-reading")) {
      const one = texts.get(box);
      if (one && which(one)) { draw(one); fit(one); }
    }
  }

  // Does what a key or a button says; gives a line that tells it.
  function toggle(name) {
    if (name === "more") {
      const folded = [...document.querySelectorAll(".fl-card .fl-reading")].map((box) => texts.get(box)).filter((one) => one.long);
      const open = folded.some((one) => !one.open);
      folded.forEach((one) => turn(one, open));
      return t(open ? "read.unfolded" : "read.folded");
    }
    options[name] = !options[name];
    try { localStorage.setItem(KEPT, JSON.stringify(options)); } catch { /* for this page only, then */ }
    if (name !== "linked") redraw((one) => one.side !== null || one.rich);
    document.querySelectorAll(`.fl-read-tools [data-name=${name}]`).forEach((button) => button.setAttribute("aria-pressed", options[name]));
    return t(options[name] ? "read.on" : "read.off", { what: t(`read.${name}`) });
  }

  const tools = () => el("div", { class: "fl-read-tools", role: "group", "aria-label": t("read.how") },
    Object.entries(KEYS).filter(([, name]) => name !== "more").map(([key, name]) =>
      el("button", { type: "button", class: "fl-small", "data-name": name, "aria-pressed": String(options[name]), title: t(`read.${name}_title`), onclick: () => toggle(name) }, el("span", {}, t(`read.${name}`)), el("kbd", { "aria-hidden": "true" }, key.toUpperCase()))));

  // ---- the whole, and copies of it

  // An answer as it was written, however long; a promise.
  async function whole(card, part) {
    const shown = card.answers[SIDES.indexOf(part)];
    if (shown && !shown.rest) return shown.raw ?? shown.text;
    const { raw } = await call("GET", `/comparisons/${encodeURIComponent(card.id)}/${part}/raw`);
    if (shown) shown.raw = raw;
    return raw;
  }

  function copier(text) {
    const button = el("button", { type: "button", class: "fl-copy fl-small", onclick: async () => {
      const done = await copy(await text()).then(() => "read.copied", () => "read.not_copied");
      button.textContent = t(done);
      setTimeout(() => { button.textContent = t("read.copy"); }, 1500);
    } }, t("read.copy"));
    return button;
  }

  async function copy(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = el("textarea", { class: "fl-unseen", readonly: true }); // without HTTPS there is no other way
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (!done) throw new Error();
  }

  // ---- what the Label page shows

  const answer = (card, n) => show(card, SIDES[n], card.answers[n], { side: n, rich: true, named: t(`side.${SIDES[n]}`) });

  // Several turns are shown with who spoke; the last one is what is answered.
  function request(card) {
    const spoken = card.prompt.length > 1;
    return el("section", { class: "fl-prompt", "aria-label": t("label.request") }, card.prompt.map((turn, n) =>
      el("div", { class: `fl-spoken fl-by-${turn.role}`, "data-last": n === card.prompt.length - 1 }, spoken ? el("b", { class: "fl-who" }, t(`role.${turn.role}`)) : null,
        show(card, `turn-${n}`, turn, { rich: turn.role === "assistant" }))));
  }

  window.feedbackLoop.reading = { answer, request, tools, toggle, prepare, whole, written, KEYS };
})();
