// What to do next, in the sentences of `feedback_loop/soup/advice.py`, and what each ingredient adds, with its interval and its cost.
import { called, hasBrief, ingredient } from "./names.js";

const { element: el, t, number, percent, seconds } = window.feedbackLoop;
const SHARES = ["unneeded", "missed", "labels", "enough"]; // sentences whose figures are shares; in the others they are points

export function advice(soup) {
  const [first, ...others] = soup.said.length ? soup.said.map((one) => sentence(one, soup)) : [soup.advice];
  return el("section", { class: "fl-soup-advice", "aria-label": t("soup.advice") }, el("p", {}, first),
    others.length ? el("ul", {}, others.map((line) => el("li", {}, line))) : null);
}

function sentence({ key, values }, soup) {
  const said = { ...values };
  if ("cell" in said) said.cell = called(soup.cells[said.cell].cell, hasBrief(soup));
  if ("ingredient" in said) said.ingredient = ingredient(said.ingredient);
  for (const name of ["share", "before", "after"]) if (name in said) said[name] = percent(said[name]);
  for (const name of ["gain", "low", "high"]) if (name in said) said[name] = SHARES.includes(key) ? percent(said[name]) : points(said[name]);
  return t(`soup.said.${key}`, said);
}

// All on one scale, beside nothing gained.
export function gains(soup) {
  if (!soup.gains.length) return el("div", { hidden: true });
  const most = Math.max(0.01, ...soup.gains.flatMap((g) => [Math.abs(g.low), Math.abs(g.high)]));
  return el("section", { class: "fl-soup-part" }, el("h2", {}, t("soup.gains")), el("p", { class: "fl-note" }, t("soup.gains.how")),
    el("ul", { class: "fl-soup-gains" }, soup.gains.map((gain) => line(gain, most, soup))));
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
const signed = (value) => sign(value) + number(Math.abs(100 * value), 0);
const points = (value) => number(100 * value, 0);
