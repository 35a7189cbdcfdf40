// One wish: the sentence, what it rests on, an example, and for owners the line that they would put into the brief.
const { element: el, t, parts, reading } = window.feedbackLoop;
const COMMENT = "comment", LEAST = 0.0003; // below it, as little as the test can tell

export function proposal(p, owner, act) {
  const own = p.wish.name === COMMENT, words = own ? `“${p.wish.phrase}”` : sentence(p);
  return el("li", { class: "fl-intent-one", "data-key": p.key },
    el("h3", { dir: "auto" }, words), own ? quoted(p) : evidence(p),
    p.decided ? el("p", { class: "fl-note" }, parts("intent.by", { name: el("bdi", {}, p.decided.by), time: p.decided.at })) : null,
    p.example ? example(p) : null,
    owner && p.state !== "accepted" ? form(p, own, words, act) : null);
}

// As it is proposed, in the reader's language; as it stands in the brief, once it does.
function sentence(p) {
  if (p.state === "accepted") return p.text;
  return t(`intent.say.${p.wish.name}`, { n: p.wish.value, phrase: p.wish.phrase });
}

// What a program counts by, as it was proposed.
function check(p) {
  const at = p.text.indexOf(" [check:");
  return at < 0 ? "" : p.text.slice(at);
}

function evidence({ evidence: e, wish }) {
  const n = e.agree + e.against, alike = e.alike_agree + e.alike_against, edited = e.edits_agree + e.edits_against;
  const bar = el("span", { class: "fl-intent-bar", "aria-hidden": "true" }, el("i", {}));
  bar.style.setProperty("--share", n ? e.agree / n : 0);
  const chance = t(e.chance < LEAST ? "intent.least" : "intent.chance", { n: Math.round(1 / e.chance) });
  return el("div", {},
    n ? bar : null,
    el("p", {}, [n ? t("intent.went", { agree: e.agree, n }) : "", edited ? t("intent.edits", { agree: e.edits_agree, n: edited }) : "", chance].filter(Boolean).join(" ")),
    el("p", { class: "fl-intent-more" }, [t("intent.shares", { chosen: e.chosen, rejected: e.rejected }),
      alike ? t("intent.alike", { agree: e.alike_agree, n: alike }) : "", e.low === null ? "" : t("intent.range", { low: e.low, high: e.high }),
      wish.check ? "" : t("intent.unchecked")].filter(Boolean).join(" ")));
}

function quoted({ quotes, evidence: e }) {
  const quote = (text) => el("blockquote", { dir: "auto" }, text), more = quotes.slice(3);
  return el("div", {}, el("p", {}, t("intent.held", { n: e.agree })), quotes.slice(0, 3).map(quote),
    more.length ? el("details", {}, el("summary", {}, t("intent.quotes")), more.map(quote)) : null);
}

function example({ example: shown, evidence: e }) {
  const one = (key, { html }) => el("article", { class: "fl-answer" }, el("h4", {}, t(key)), el("div", { class: "fl-text" }, reading.written({ html })));
  const labels = (key, list, n) => (n ? el("p", { class: "fl-note" }, t(key, { n }), " ", el("bdi", {}, list.join(", ") + (n > list.length ? " …" : ""))) : null);
  return el("details", {}, el("summary", {}, t("intent.show")), el("p", { class: "fl-asked", dir: "auto" }, shown.request),
    el("div", { class: "fl-answers" }, one("intent.chosen", shown.chosen), one("intent.rejected", shown.rejected)),
    labels("intent.labels", e.labels, e.labelled), labels("intent.labels.against", e.labels_against, e.labelled_against));
}

function form(p, own, words, act) {
  const line = el("textarea", { rows: 2, maxlength: 1000, dir: "auto", placeholder: own ? t("intent.yours") : null, "aria-label": `${t("intent.line")}: ${words}` });
  line.value = own ? "" : words + check(p);
  const send = async (event) => {
    event.preventDefault();
    if (line.value.trim()) await act("accept", { key: p.key, text: line.value.trim() }, words);
    else line.focus();
  };
  const dismiss = p.state === "proposed" ? el("button", { type: "button", onclick: () => act("dismiss", { key: p.key }, words), "aria-label": `${t("intent.dismiss")}: ${words}` }, t("intent.dismiss")) : null;
  return el("form", { class: "fl-intent-form", onsubmit: send }, line,
    el("div", {}, el("button", { class: "fl-intent-take", "aria-label": `${t("intent.accept")}: ${words}` }, t("intent.accept")), dismiss));
}
