// All cells in a table, those of the front marked, and how far their answers meet what the brief asks for.
import { brief, hasBrief, training } from "./names.js";

const { element: el, t, number, percent, seconds } = window.feedbackLoop;

export function table(soup, requirements) {
  const asked = soup.cells[0]?.requirements || [], byWins = soup.cells.map((_, n) => n).sort((a, b) => soup.cells[b].win_rate - soup.cells[a].win_rate);
  return el("section", { class: "fl-soup-part" }, el("h2", {}, t("soup.table")),
    el("p", { class: "fl-note" }, t("soup.table.how", { judge: t(`rounds.over.judge.${soup.cells[0].judge.replace(" ", "_")}`) })),
    scrolled(t("soup.table"), head(hasBrief(soup)), byWins.map((n) => row(soup, n))),
    asked.length ? el("details", {}, el("summary", {}, el("h3", {}, t("soup.requirements"))), met(soup, asked, requirements)) : null);
}

const scrolled = (label, heads, rows) => el("div", { class: "fl-scroll", tabindex: "0", role: "region", "aria-label": label },
  el("table", {}, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, rows)));

const head = (briefs) => ["cell", "wins", "training", ...(briefs ? ["brief"] : []), "examples", "tokens", "trained", "people"].map((name) => t(`soup.column.${name}`));

function row(soup, n) {
  const { cell, tokens, training_minutes: trained, human_minutes: people, win_rate: value, low, high } = soup.cells[n], ahead = soup.front.includes(n);
  const minutes = (time) => time ? seconds(60 * time) : "–";
  return el("tr", { class: ahead ? "fl-soup-front" : "", "data-cell": n },
    el("th", { scope: "row" }, number(n + 1), ahead ? el("span", {}, ` ★`, el("span", { class: "fl-unseen" }, t("soup.front"))) : null),
    el("td", {}, el("b", {}, percent(value)), " ", el("small", {}, t("interval", { low: percent(low), high: percent(high) }))),
    el("td", {}, training(cell.training)), hasBrief(soup) ? el("td", {}, brief(cell.level)) : null, el("td", {}, cell.shots ? number(cell.shots) : "–"),
    el("td", {}, number(tokens, 0)), el("td", {}, minutes(trained)), el("td", {}, minutes(people)));
}

// A row for each requirement that a program can check, a column for each cell.
function met(soup, asked, requirements) {
  const shares = soup.cells.map(({ requirements: found }) => new Map(found.map((one) => [one.number, one])));
  const cell = (one) => {
    if (!one) return el("td", {}, "–");
    const made = el("td", { class: "fl-soup-met", title: t("interval", { low: percent(one.low), high: percent(one.high) }) }, percent(one.share));
    made.style.setProperty("--share", one.share);
    return made;
  };
  return scrolled(t("soup.requirements"), [t("soup.column.requirement"), ...soup.cells.map((_, n) => number(n + 1))],
    asked.map(({ number: at }) => el("tr", {}, el("th", { scope: "row", dir: "auto" }, `${number(at)}. ${requirements[at] || ""}`), shares.map((found) => cell(found.get(at))))));
}
