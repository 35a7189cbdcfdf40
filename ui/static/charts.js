// Small pictures, drawn by hand: curves over steps or rounds, the reliability curve, and intervals.
(() => {
  const { element: el, t, number, percent } = window.feedbackLoop;
  const W = 320, H = 130, LEFT = 40, RIGHT = 8, TOP = 8, BOTTOM = 20, APART = 5;

  function svg(tag, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  // An empty picture with its grid, and the way from figures to places in it.
  function frame(title, [x0, x1], [y0, y1], ticks, below, shares, high = H) {
    const px = (x) => LEFT + ((W - LEFT - RIGHT) * (x - x0)) / (x1 - x0 || 1), py = (y) => TOP + ((high - BOTTOM - TOP) * (y1 - y)) / (y1 - y0);
    const picture = svg("svg", { viewBox: `0 0 ${W} ${high}`, role: "img", "aria-label": title });
    for (const y of ticks) {
      picture.append(svg("line", { x1: LEFT, x2: W - RIGHT, y1: py(y), y2: py(y), class: "fl-grid" }),
        svg("text", { x: LEFT - 5, y: py(y) + 3, "text-anchor": "end" }, shares ? percent(y) : number(y, Math.abs(y) >= 100 ? 0 : 2)));
    }
    picture.append(svg("text", { x: LEFT, y: high - 4 }, below[0]), svg("text", { x: W - RIGHT, y: high - 4, "text-anchor": "end" }, below[1]));
    return { picture, px, py };
  }

  const figure = (title, picture, caption) => el("figure", { class: "fl-chart" }, el("h3", {}, title), picture, caption);

  // Curves that share one scale. `band` is {low, high} beside the first one's points, `whiskers` {low, high} by a curve's name,
  // `range` the least that the scale covers, `limits` are levels that should not be passed, `ideal` is one that marks chance,
  // `names` what the curves are called; `shares` are shown as percentages.
  function chart(title, curves, axis, { range = null, band = null, whiskers = {}, limits = [], ideal = null, names = null, shares = false, high = H } = {}) {
    const drawn = curves.filter((c) => c.x.length), xs = drawn.flatMap((c) => c.x);
    if (!drawn.length) return null;
    const ends = drawn.flatMap((c) => whiskers[c.name] ? [...whiskers[c.name].low, ...whiskers[c.name].high] : []);
    const ys = [...drawn.flatMap((c) => c.y), ...ends, ...(band ? [...band.low, ...band.high] : []), ...(range || [])];
    let [y0, y1] = [Math.min(...ys), Math.max(...ys)];
    if (y0 === y1) { y0 -= 0.5; y1 += 0.5; }
    const across = [Math.min(...xs), Math.max(...xs)], pad = Object.keys(whiskers).length ? 0.15 * (across[1] - across[0] || 1) : 0;
    const { picture, px, py } = frame(said(title, drawn, whiskers, names, shares), [across[0] - pad, across[1] + pad], [y0, y1], [y0, (y0 + y1) / 2, y1], [`${axis} ${number(across[0])}`, across[1] === across[0] ? "" : number(across[1])], shares, high);
    const at = (values) => values.map((y, i) => `${px(drawn[0].x[i])},${py(y)}`);
    if (band) picture.append(svg("polygon", { points: [...at(band.high), ...at(band.low).reverse()].join(" "), class: "fl-band" }));
    for (const y of limits) picture.append(svg("line", { x1: LEFT, x2: W - RIGHT, y1: py(y), y2: py(y), class: "fl-limit" }));
    if (ideal !== null) picture.append(svg("line", { x1: LEFT, x2: W - RIGHT, y1: py(ideal), y2: py(ideal), class: "fl-ideal" }));
    drawn.forEach((c, n) => picture.append(curve(c, n, pad ? APART * (n - (drawn.length - 1) / 2) : 0, whiskers[c.name], { px, py, shares })));
    const called = names ? el("figcaption", {}, drawn.map((c, n) => el("span", { class: `fl-key fl-line-${n % 4}` }, names[c.name]))) : null;
    return figure(title, picture, called);
  }

  function curve(c, n, aside, whisker, { px, py, shares }) {
    const mark = svg("g", { class: `fl-line-${n % 4}` }), x = (i) => px(c.x[i]) + aside;
    mark.append(svg("polyline", { points: c.x.map((_, i) => `${x(i)},${py(c.y[i])}`).join(" "), class: "fl-line" }));
    if (whisker) c.x.forEach((_, i) => mark.append(upright(x(i), py(whisker.low[i]), py(whisker.high[i]))));
    if (c.x.length < 12) c.x.forEach((_, i) => {
      const dot = svg("circle", { cx: x(i), cy: py(c.y[i]), r: 2.5, class: "fl-dot" });
      dot.append(svg("title", {}, spelled(c, i, whisker, shares)));
      mark.append(dot);
    });
    return mark;
  }

  function upright(x, low, high) {
    const mark = svg("path", { d: `M${x} ${low}V${high}M${x - 3} ${low}h6M${x - 3} ${high}h6`, class: "fl-whisker" });
    return mark;
  }

  const shown = (value, shares) => shares ? percent(value) : number(value);
  const spelled = (c, i, whisker, shares) => shown(c.y[i], shares) + (whisker ? ` (${t("interval", { low: shown(whisker.low[i], shares), high: shown(whisker.high[i], shares) })})` : "");

  // A picture in words: each curve's last figure, and all of a short one.
  function said(title, drawn, whiskers, names, shares) {
    const lines = drawn.map((c) => {
      const points = c.x.length < 7 ? c.x.map((x, i) => `${number(x)}: ${spelled(c, i, whiskers[c.name], shares)}`) : [shown(c.y[0], shares), shown(c.y.at(-1), shares)];
      return `${names ? `${names[c.name]}: ` : ""}${points.join(c.x.length < 7 ? ", " : " … ")}`;
    });
    return `${title}. ${lines.join("; ")}`;
  }

  // How sure the reward model was against how often people agreed; on the dashed line it is as sure as it should be.
  function reliability(title, bins) {
    if (!bins.length) return null;
    const least = Math.min(0.5, ...bins.map((b) => Math.floor(10 * b.low) / 10)), points = bins.map((b) => t("rounds.sure.point", b));
    const { picture, px, py } = frame(`${title}. ${points.join("; ")}`, [0.5, 1], [least, 1], [0.5, 0.75, 1], [t("rounds.sure.least", { share: 0.5 }), percent(1)], true);
    picture.append(svg("line", { x1: px(0.5), y1: py(0.5), x2: px(1), y2: py(1), class: "fl-ideal" }));
    picture.append(svg("polyline", { points: bins.map((b) => `${px(b.predicted)},${py(b.observed)}`).join(" "), class: "fl-line fl-line-0" }));
    bins.forEach((b, n) => {
      const mark = svg("g", { class: "fl-line-0" });
      mark.append(svg("title", {}, points[n]), upright(px(b.predicted), py(b.low), py(b.high)), svg("circle", { cx: px(b.predicted), cy: py(b.observed), r: 3, class: "fl-dot" }));
      picture.append(mark);
    });
    return figure(title, picture, el("figcaption", {}, t("rounds.sure.caption")));
  }

  // Differences with their intervals beside nothing at all, one below the other: `rows` are {name, value, low, high}.
  function differences(label, rows) {
    const wide = 240, line = 20, from = 84, most = Math.max(1e-9, ...rows.flatMap((r) => [-r.low, r.high, Math.abs(r.value)]));
    const px = (x) => from + ((wide - from - 8) * (x / most + 1)) / 2, high = rows.length * line + 4;
    const picture = svg("svg", { viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": label, class: "fl-differences" });
    picture.append(svg("line", { x1: px(0), x2: px(0), y1: 0, y2: high, class: "fl-ideal" }));
    rows.forEach((r, n) => {
      const y = line * n + 12, mark = svg("g", { class: `fl-line-${n}` });
      mark.append(svg("text", { x: 0, y: y + 3 }, r.name), svg("path", { d: `M${px(r.low)} ${y}H${px(r.high)}M${px(r.low)} ${y - 3}v6M${px(r.high)} ${y - 3}v6`, class: "fl-whisker" }),
        svg("circle", { cx: px(r.value), cy: y, r: 3.5, class: "fl-dot" }));
      picture.append(mark);
    });
    return picture;
  }

  // A share between its bounds, on a line from nothing to all, with one half marked.
  function share(label, { value, low, high }) {
    const at = (x) => 6 + 308 * x, picture = svg("svg", { viewBox: "0 0 320 36", role: "img", "aria-label": label, class: "fl-share" });
    picture.append(svg("line", { x1: at(0), x2: at(1), y1: 12, y2: 12, class: "fl-grid" }), svg("line", { x1: at(0.5), x2: at(0.5), y1: 3, y2: 21, class: "fl-ideal" }),
      svg("line", { x1: at(low), x2: at(high), y1: 12, y2: 12, class: "fl-range" }), svg("circle", { cx: at(value), cy: 12, r: 5, class: "fl-point" }));
    for (const [x, anchor] of [[0, "start"], [0.5, "middle"], [1, "end"]]) picture.append(svg("text", { x: at(x), y: 34, "text-anchor": anchor }, percent(x)));
    return picture;
  }

  Object.assign(window.feedbackLoop, { chart, reliability, differences, share, drawing: { svg, frame, figure, upright } });
})();
