// What your labels taught: a round's traits in sentences, the clear ones first, and all of them in a table.
const { call, element: el, t, parts, number, percent, differences } = window.feedbackLoop;
const SPELLED = ["wanted", "unasked", "leaning"], NAMED = ["either", "unknown", "unseen"];

// The section of one round; it asks for its content when it is unfolded.
export function taught(round, open) {
  const body = el("div", { "aria-live": "polite" }, el("p", { class: "fl-note" }, t("taught.reading")));
  let asked = false;
  async function fill() {
    if (asked) return;
    asked = true;
    try { body.replaceChildren(...content(await call("GET", `/rounds/${round}/taught`))); }
    catch (problem) { asked = false; body.replaceChildren(el("p", { class: "fl-error" }, problem.message)); }
  }
  const box = el("details", { class: "fl-taught", open, ontoggle: () => box.open && fill() }, el("summary", {}, el("h3", {}, t("taught.title"))), body);
  if (open) fill();
  return box;
}

function content(found) {
  const of = (head) => found.lessons.filter((lesson) => lesson.head === head);
  const spelled = SPELLED.filter((head) => of(head).length);
  return [
    el("p", { class: "fl-note" }, t("taught.summary", { ...found, n: found.pairs })),
    spelled.includes("wanted") ? null : el("p", { class: "fl-said" }, t("taught.nothing")),
    ...spelled.map((head) => list(head, of(head))),
    ...NAMED.filter((head) => of(head).length).map((head) => el("p", { class: "fl-named" }, el("b", {}, t(`taught.head.${head}`)), " ", of(head).map(name).join(t("list.comma")))),
    el("details", { class: "fl-all" }, el("summary", {}, t("taught.all")), table(found), el("p", { class: "fl-note" }, t("taught.how", { count: found.lessons.length, heldout: found.heldout }))),
  ].filter(Boolean);
}

function list(head, lessons) {
  const most = head === "leaning" ? 0 : 8, shown = lessons.slice(0, most), rest = lessons.slice(most);
  return el("section", { class: `fl-lessons fl-${head}` }, el("h4", {}, t(`taught.head.${head}`)),
    el("ul", {}, shown.map(item)),
    rest.length ? el("details", {}, el("summary", {}, t(most ? "taught.more" : "taught.show", { n: rest.length })), el("ul", {}, rest.map(item))) : null);
}

function item(lesson) {
  const { kind, labels, base } = lesson, way = kind === "share" ? wayOf(lesson) : "more", turned = way === "less" ? -1 : 1;
  const rows = [["labels", labels], ["new", base]].filter(([, found]) => found).map(([who, found]) => [t(`taught.row.${who}`), found]);
  const [low, high] = turned < 0 ? ["high", "low"] : ["low", "high"];
  return el("li", { "data-trait": lesson.trait, "data-verdict": lesson.verdict }, el("p", {}, said(lesson)),
    differences(rows.map(([name, found]) => `${name}: ${change(lesson, found, way)}`).join("; "), rows.map(([name, found]) => ({ name, value: turned * found.value, low: turned * found[low], high: turned * found[high] }))));
}

// The same sentences as `feedback_loop/taught_text.py`.
function said(lesson) {
  const { labels, base, parent, kind } = lesson, way = wayOf(lesson), sentences = [];
  if (lesson.head === "wanted") {
    const [low, high] = bounds(lesson, labels, way);
    const named = el("b", {}, what(lesson, way));
    sentences.push(el("span", {}, kind === "share"
      ? parts("taught.prefer.share", { what: named, chosen: level(lesson, labels.ours, way), rejected: level(lesson, labels.theirs, way), low: number(low, 0), high: number(high, 0) })
      : parts("taught.prefer.count", { what: named, size: level(lesson, Math.abs(labels.value), way), ...spread(low, high) })), " ");
  }
  const key = `taught.verdict.${lesson.verdict.replace(" ", "_")}`;
  if (base && parent && !["wanted", "still"].includes(lesson.verdict)) {
    sentences.push(t(key, { what: what(lesson, way), new: level(lesson, base.ours, way), old: level(lesson, base.theirs, way), before: level(lesson, parent.theirs, way), change: change(lesson, base, way) }));
  }
  return sentences;
}

// The direction that a lesson is said in: what people prefer, or else how the new version moved.
function wayOf({ head, wanted, base, parent }) {
  if (head === "wanted") return wanted;
  return (certain(base) ? base : parent).value > 0 ? "more" : "less";
}

const certain = (found) => found.chance < 0.05 && (found.low > 0 || found.high < 0);
const what = (lesson, way) => t(`taught.trait.${lesson.trait}.${way}`, { phrase: lesson.phrase });
const name = (lesson) => t(`taught.trait.${lesson.trait}.name`, { phrase: lesson.phrase });
const round = (value) => Math.abs(value) >= 100 ? Math.round(value) : Math.abs(value) < 0.1 ? Number(value.toFixed(2)) : Number(value.toFixed(1));
const level = (lesson, value, way) => lesson.kind === "share" ? percent(way === "more" ? value : 1 - value) : t(`taught.trait.${lesson.trait}.unit`, { n: round(value) });
const signed = (value, digits) => (value < 0 ? "−" : "+") + number(Math.abs(value), digits);

function spread(low, high) {
  const [from, to] = [Math.abs(low), Math.abs(high)].sort((a, b) => a - b);
  return { low: number(round(from)), high: number(round(to)) };
}

// The interval; of a share, in percentage points of what is named: of "no emoji", of those without.
function bounds(lesson, found, way) {
  if (lesson.kind === "count") return [found.low, found.high];
  return way === "more" ? [100 * found.low, 100 * found.high] : [-100 * found.high, -100 * found.low];
}

function change(lesson, found, way) {
  const [low, high] = bounds(lesson, found, way);
  return lesson.kind === "share" ? t("taught.points", { low: signed(low, 0), high: signed(high, 0) }) : t("interval", { low: signed(round(low)), high: signed(round(high)) });
}

function table(found) {
  const columns = ["labels", "this_round", "parent", "base"];
  const cell = (lesson, column) => lesson[column] ? el("td", { class: certain(lesson[column]) ? "fl-clear" : "" }, change(lesson, lesson[column], "more")) : el("td", {}, "–");
  return el("div", { class: "fl-scroll", tabindex: "0", role: "region", "aria-label": t("taught.all") }, el("table", {},
    el("thead", {}, el("tr", {}, [t("taught.column.trait"), ...columns.map((column) => t(`taught.column.${column}`)), t("taught.column.verdict")].map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, found.lessons.map((lesson) => el("tr", {}, el("th", { scope: "row" }, name(lesson)), columns.map((column) => cell(lesson, column)), el("td", {}, t(`taught.short.${short(lesson)}`)))))));
}

const short = (lesson) => (lesson.head === "wanted" ? lesson.verdict : lesson.head).replace(" ", "_");
