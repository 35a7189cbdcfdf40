// Two pictures of the same question: what is gained by what is pasted before a request. The front of all cells, and the half-a-word curve.
import { called, colours, hasBrief, training } from "./names.js";

const { element: el, t, number, percent, chart, drawing } = window.feedbackLoop;
const { svg, frame, figure, upright } = drawing;
const HIGH = 170, ASIDE = 5, LAST = 290, MOST_POLICIES = 4; // beyond LAST a number stands before its point

export function pictures(soup, curve) {
  const drawn = [soup ? front(soup) : null, halfAWord(curve)].filter(Boolean);
  return el("div", { class: "fl-soup-pictures" }, drawn);
}

function front(soup) {
  const colour = colours(soup), trained = [...colour.keys()], most = Math.max(1, ...soup.cells.map((one) => one.tokens)), pad = most * 0.06;
  const title = t("soup.picture.front", { against: t(soup.against === "plain base" ? "soup.against.plain" : "soup.against.brief") });
  const told = soup.front.map((n) => spelled(soup, n)).join("; ");
  const { picture, px, py } = frame(`${title}. ${t("soup.front")}: ${told}`, [-pad, most + pad], [0, 1], [0, 0.5, 1], ["", ""], true, HIGH);
  for (const tokens of [0, most / 2, most]) picture.append(svg("text", { x: px(tokens), y: HIGH - 4, "text-anchor": "middle" }, number(tokens, 0)));
  picture.append(svg("line", { x1: px(-pad), x2: px(most + pad), y1: py(0.5), y2: py(0.5), class: "fl-ideal" }));
  const x = (n) => px(soup.cells[n].tokens) + ASIDE * (trained.indexOf(soup.cells[n].cell.training) - (trained.length - 1) / 2);
  const steps = soup.front.map((n, at) => at ? `H${x(n)}V${py(soup.cells[n].win_rate)}` : `M${x(n)} ${py(soup.cells[n].win_rate)}`);
  picture.append(svg("path", { d: steps.join(""), class: "fl-soup-steps" }));
  const order = [...soup.cells.keys()].sort((a, b) => soup.front.includes(a) - soup.front.includes(b)); // the front above the rest
  for (const n of order) picture.append(point(soup, n, x(n), py, colour));
  return figure(title, picture, el("figcaption", {}, trained.map((name) => el("span", { class: `fl-key ${colour.get(name)}` }, training(name))), el("span", { class: "fl-soup-how" }, t("soup.picture.front.how"))));
}

function point(soup, n, x, py, colour) {
  const { cell, win_rate: value, low, high } = soup.cells[n], ahead = soup.front.includes(n);
  const mark = svg("g", { class: colour.get(cell.training) }), left = x > LAST;
  mark.append(svg("title", {}, spelled(soup, n)));
  if (ahead) mark.append(upright(x, py(low), py(high)));
  mark.append(svg("circle", { cx: x, cy: py(value), r: ahead ? 3.5 : 2.5, class: ahead ? "fl-dot" : "fl-soup-behind" }));
  if (ahead) mark.append(svg("text", { x: x + (left ? -5 : 5), y: py(value) - 4, "text-anchor": left ? "end" : "start", class: "fl-soup-number" }, number(n + 1)));
  return mark;
}

function spelled(soup, n) {
  const { cell, tokens, win_rate: value, low, high } = soup.cells[n];
  return t("soup.picture.point", { cell: `${number(n + 1)}. ${called(cell, hasBrief(soup))}`, tokens: number(tokens, 0), value, low, high });
}

// The base and the newest policies; a point is a share of the brief.
function halfAWord(rows) {
  const policies = [...new Set(rows.map((row) => row.policy))], shown = [policies[0], ...policies.slice(1).slice(1 - MOST_POLICIES)].filter(Boolean);
  const of = (policy) => rows.filter((row) => row.policy === policy).sort((a, b) => a.tokens - b.tokens);
  const curves = shown.map((policy) => ({ name: policy, x: of(policy).map((row) => row.tokens), y: of(policy).map((row) => row.win_rate) }));
  const whiskers = Object.fromEntries(shown.map((policy) => [policy, { low: of(policy).map((row) => row.low), high: of(policy).map((row) => row.high) }]));
  return chart(t("soup.picture.curve"), curves, t("soup.axis"), { whiskers, range: [0, 1], ideal: 0.5, shares: true, names: Object.fromEntries(shown.map((policy) => [policy, of(policy)[0].other_brief ? t("soup.picture.other", { policy }) : policy])), high: HIGH });
}
