// What to do next, in the sentences of `feedback_loop/soup/advice.py`, and what each ingredient adds, with its interval and its cost.
import { called, hasBrief, ingredient } from "./names.js";

const { element: el, t, number, percent, seconds } = window.feedbackLoop;
const UNNEEDED = ["unneeded", "unneeded_then"]; // of a soup's sentences there is but one of the two kinds

export function advice(soup) {
  const [first, ...others] = soup.said.length ? sentences(soup) : [soup.advice];
  return el("section", { class: "fl-soup-advice", "aria-label": t("soup.advice") }, el("p", {}, first),
    others.length ? el("ul", {}, others.map((line) => el("li", {}, line))) : null,
    (soup.left_out || []).map((line) => el("small", {}, line)));
}

// What need not be said any more is one sentence, however many requirements it is.
function sentences(soup) {
  const [first, ...more] = soup.said.filter(({ key }) => UNNEEDED.includes(key));
  if (!more.length) return soup.said.map((one) => sentence(one, soup));
  const each = [first, ...more].map(({ values }) => values);
  const together = t(`soup.${first.key}`, { numbers: each.map((one) => number(one.number)).join(t("list.comma")), share: percent(Math.min(...each.map((one) => one.share))), cell: shown("", "cell", first.values.cell, soup) });
  return soup.said.filter((one) => !more.includes(one)).map((one) => one === first ? together : sentence(one, soup));
}

function sentence({ key, values }, soup) {
  return t(`soup.said.${key}`, Object.fromEntries(Object.entries(values).map(([name, value]) => [name, shown(key, name, value, soup)])));
}

// What stands in a gap: gains are shares of a win rate, and said in points.
function shown(key, name, value, soup) {
  if (["cell", "best"].includes(name)) return called(soup.cells[value].cell, hasBrief(soup));
  if (["ingredient", "other"].includes(name)) return ingredient(value);
  if (["share", "before", "after"].includes(name) || (key === "missed" && ["low", "high"].includes(name))) return percent(value);
  if (["gain", "other_gain", "loss", "low", "high"].includes(name)) return number(100 * value, key === "minutes" ? 1 : 0);
  return number(value, 0);
}

// Each ingredient where it stands alone, then wherever it was added; all on one scale, beside nothing gained.
export function gains(soup) {
  if (!soup.gains.length) return el("div", { hidden: true });
  const most = Math.max(0.01, ...soup.gains.flatMap((g) => [Math.abs(g.low), Math.abs(g.high)]));
  const sorted = (found) => [...found].sort((a, b) => b.gain - a.gain), list = (found) => el("ul", { class: "fl-soup-gains" }, found.map((gain) => line(gain, most, soup)));
  const alone = sorted(plainest(soup.gains)), others = sorted(soup.gains.filter((gain) => !alone.includes(gain)));
  return el("section", { class: "fl-soup-part" }, el("h2", {}, t("soup.gains")), el("p", { class: "fl-note" }, t("soup.gains.how")), list(alone),
    others.length ? el("details", {}, el("summary", {}, el("h3", {}, t("soup.gains.more", { n: others.length }))), list(others)) : null);
}

// Of each ingredient the gain over the cell that has least of everything else.
function plainest(gains) {
  const has = ({ over }) => (over.training === "none" ? 0 : over.training.split("+").length) + (over.shots > 0) + over.level, found = new Map();
  for (const gain of gains) if (!found.has(gain.ingredient) || has(gain) < has(found.get(gain.ingredient))) found.set(gain.ingredient, gain);
  return [...found.values()];
}

function line(gain, most, soup) {
  const sure = gain.low > 0 ? "more" : gain.high < 0 ? "less" : "unsure", at = (value) => (value / most + 1) / 2;
  const bar = el("span", { class: "fl-soup-bar", "aria-hidden": "true" }, el("i", {}), el("b", {}));
  for (const [name, value] of [["low", gain.low], ["high", gain.high], ["at", gain.gain]]) bar.style.setProperty(`--${name}`, at(value));
  return el("li", { "data-ingredient": gain.ingredient, "data-sure": sure },
    el("div", {}, el("b", {}, ingredient(gain.ingredient)), el("small", {}, t("soup.added", { cell: called(gain.over, hasBrief(soup)) }))),
    bar,
    el("div", {}, el("span", {}, t("soup.gained", { gain: signed(gain.gain), low: signed(gain.low), high: signed(gain.high) })), el("small", {}, costs(gain))));
}

function costs({ tokens, training_minutes: training, human_minutes: people }) {
  const said = [
    Math.abs(tokens) >= 0.5 ? t("soup.cost.tokens", { n: Math.round(Math.abs(tokens)), sign: sign(tokens) }) : "",
    Math.abs(training) > 0.005 ? t("soup.cost.training", { time: sign(training) + seconds(60 * Math.abs(training)) }) : "",
    Math.abs(people) > 0.005 ? t("soup.cost.people", { time: sign(people) + seconds(60 * Math.abs(people)) }) : "",
  ].filter(Boolean);
  return said.length ? said.join(t("list.comma")) : t("soup.cost.nothing");
}

const sign = (value) => value < 0 ? "−" : "+";
const signed = (value) => Math.round(100 * value) ? sign(value) + number(Math.abs(100 * value), 0) : number(0);
