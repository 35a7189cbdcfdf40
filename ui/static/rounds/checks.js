// What a round's policy must not have become: each figure of the base, the version before and the new one, and its limits.
const { element: el, t, number, percent } = window.feedbackLoop;
const SHARES = ["reward", "abilities", "instructions", "repetition", "diversity"];

// The table of one round; unfolded where a check is not passed.
export function checks(rows) {
  const broken = rows.filter((row) => !row.ok).length;
  return el("details", { class: "fl-checks", open: broken > 0, "data-broken": broken },
    el("summary", {}, el("h3", {}, t("checks.title")), el("span", { class: broken ? "fl-broken" : "" }, broken ? t("checks.broken", { n: broken }) : t("checks.passed", { n: rows.length }))),
    el("div", { class: "fl-scroll", tabindex: "0", role: "region", "aria-label": t("checks.title") }, el("table", {},
      el("thead", {}, el("tr", {}, ["check", "base", "parent", "candidate", "limit", "verdict"].map((name) => el("th", { scope: "col" }, t(`checks.column.${name}`))))),
      el("tbody", {}, rows.map(line)))),
    el("ul", { class: "fl-reasons" }, rows.filter((row) => !row.ok).map((row) => el("li", {}, el("b", {}, t(`checks.name.${row.name}`)), ` · ${row.reason}`))));
}

function line(row) {
  const show = (value) => value === null ? "–" : SHARES.includes(row.name) ? percent(value) : figure(value);
  return el("tr", { "data-check": row.name, class: row.ok ? "" : "fl-broken", title: row.reason }, el("th", { scope: "row" }, t(`checks.name.${row.name}`)),
    [row.base, row.parent, row.candidate].map((value) => el("td", {}, show(value))), el("td", {}, limits(row, show)), el("td", {}, t(row.ok ? "checks.ok" : "checks.not_ok")));
}

function limits({ low, high }, show) {
  if (low !== null && high !== null) return t("interval", { low: show(low), high: show(high) });
  return low !== null ? t("checks.least", { limit: show(low) }) : high !== null ? t("checks.most", { limit: show(high) }) : "–";
}

// Three digits; of a perplexity without bounds, as a power of ten.
const figure = (value) => Math.abs(value) >= 1e6 ? value.toExponential(1) : number(Number(value.toPrecision(3)));
