// Small pictures for the Rounds page, drawn by hand: curves over steps or rounds, and the reliability curve.
(() => {
  const { element: el } = window.feedbackLoop;
  const W = 320, H = 130, LEFT = 40, RIGHT = 8, TOP = 8, BOTTOM = 20;

  function svg(tag, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  // An empty picture with its grid, and the way from figures to places in it.
  function frame(title, [x0, x1], [y0, y1], ticks, below) {
    const px = (x) => LEFT + ((W - LEFT - RIGHT) * (x - x0)) / (x1 - x0 || 1), py = (y) => TOP + ((H - BOTTOM - TOP) * (y1 - y)) / (y1 - y0);
    const picture = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": title });
    for (const y of ticks) {
      picture.append(svg("line", { x1: LEFT, x2: W - RIGHT, y1: py(y), y2: py(y), class: "fl-grid" }), svg("text", { x: LEFT - 5, y: py(y) + 3, "text-anchor": "end" }, Math.abs(y) >= 100 ? y.toFixed(0) : y.toFixed(2)));
    }
    picture.append(svg("text", { x: LEFT, y: H - 4 }, below[0]), svg("text", { x: W - RIGHT, y: H - 4, "text-anchor": "end" }, below[1]));
    return { picture, px, py };
  }

  const figure = (title, picture, caption) => el("figure", { class: "fl-chart" }, el("h3", {}, title), picture, caption);

  // Curves that share one scale. `band` is {low, high} beside the first one's points, `range` the least that the scale
  // covers, `limits` are levels that should not be passed, `names` what the curves are called.
  function chart(title, curves, axis, { range = null, band = null, limits = [], names = null } = {}) {
    const drawn = curves.filter((c) => c.x.length), xs = drawn.flatMap((c) => c.x);
    if (!drawn.length) return null;
    const ys = [...drawn.flatMap((c) => c.y), ...(band ? [...band.low, ...band.high] : []), ...(range || [])];
    let [y0, y1] = [Math.min(...ys), Math.max(...ys)];
    if (y0 === y1) { y0 -= 0.5; y1 += 0.5; }
    const ends = [Math.min(...xs), Math.max(...xs)];
    const { picture, px, py } = frame(title, ends, [y0, y1], [y0, (y0 + y1) / 2, y1], [`${axis} ${ends[0]}`, ends[1]]);
    const at = (values) => values.map((y, i) => `${px(drawn[0].x[i])},${py(y)}`);
    if (band) picture.append(svg("polygon", { points: [...at(band.high), ...at(band.low).reverse()].join(" "), class: "fl-band" }));
    for (const y of limits) picture.append(svg("line", { x1: LEFT, x2: W - RIGHT, y1: py(y), y2: py(y), class: "fl-limit" }));
    drawn.forEach((c, n) => {
      picture.append(svg("polyline", { points: c.x.map((x, i) => `${px(x)},${py(c.y[i])}`).join(" "), class: `fl-line fl-line-${n % 4}` }));
      if (c.x.length < 12) c.x.forEach((x, i) => picture.append(svg("circle", { cx: px(x), cy: py(c.y[i]), r: 2.5, class: `fl-dot fl-line-${n % 4}` })));
    });
    const called = names ? el("figcaption", {}, drawn.map((c, n) => el("span", { class: `fl-key fl-line-${n % 4}` }, names[c.name]))) : null;
    return figure(title, picture, called);
  }

  // How sure the reward model was against how often people agreed; on the dashed line it is as sure as it should be.
  function reliability(title, bins) {
    if (!bins.length) return null;
    const least = Math.min(0.5, ...bins.map((b) => b.low));
    const { picture, px, py } = frame(title, [0.5, 1], [least, 1], [least, (1 + least) / 2, 1], ["50 % sure", "100 %"]);
    picture.append(svg("line", { x1: px(0.5), y1: py(0.5), x2: px(1), y2: py(1), class: "fl-ideal" }));
    picture.append(svg("polyline", { points: bins.map((b) => `${px(b.predicted)},${py(b.observed)}`).join(" "), class: "fl-line fl-line-0" }));
    for (const b of bins) {
      const mark = svg("g", { class: "fl-line-0" });
      mark.append(svg("title", {}, `${Math.round(100 * b.predicted)} % sure, right in ${Math.round(100 * b.observed)} % of ${b.pairs} pairs`),
        svg("line", { x1: px(b.predicted), x2: px(b.predicted), y1: py(b.low), y2: py(b.high), class: "fl-whisker" }),
        svg("circle", { cx: px(b.predicted), cy: py(b.observed), r: 3, class: "fl-dot" }));
      picture.append(mark);
    }
    return figure(title, picture, el("figcaption", {}, "Below the dashed line it is too sure of itself."));
  }

  Object.assign(window.feedbackLoop, { chart, reliability });
})();
