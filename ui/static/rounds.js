// The Rounds page: everything it draws is in one answer of the app, asked for each second and drawn only when it changed.
(() => {
  const { call, whenThere, element: el } = window.feedbackLoop;
  const TITLES = {
    prompts: "Prompts", comparisons: "Answers", rankings: "Rankings", preferences: "Preferences", reward: "Reward model",
    policy: "Policy", evaluation: "Evaluation", promotion: "Decision",
  };
  const FIGURES = {
    win_rate_parent: ["Wins against the one before", "%"], win_rate_base: ["Wins against the base", "%"],
    reward_accuracy: ["Reward model is right", "%"], reward_margin: ["Reward margin", ""], kl: ["KL from the base, nats", ""],
    length: ["Length, characters", ""], labels: ["Rankings", "n"], ties: ["Ties", "n"],
  };
  const CURVES = {
    "reward/loss": "Reward model: loss", "reward/accuracy": "Reward model: accuracy", "reward/margin": "Reward model: margin",
    "policy/reward": "Policy: reward, deviations above the start; band: reward models' disagreement", "policy/kl": "Policy: KL from the reference, nats an answer",
    "policy/entropy": "Policy: entropy, nats a token", "policy/length": "Policy: length, tokens", "policy/ended": "Policy: share of answers that ended",
    "policy/loss": "Policy: loss", "policy/rewards/margins": "Policy: DPO margin", "policy/rewards/accuracies": "Policy: DPO accuracy",
    "policy/clip_fraction": "PPO: share of tokens clipped", "policy/value_loss": "PPO: value loss", "policy/explained_variance": "PPO: explained variance of the values",
  };

  whenThere("fl-rounds", (page) => {
    const opened = new Set(); // what the reader unfolded stays so when the page is drawn anew
    let last = "", error = "", newest = null;

    async function refresh() {
      try {
        const said = await call("GET", "/rounds");
        const text = JSON.stringify(said) + error;
        if (text !== last) { last = text; draw(said); }
      } catch (problem) {
        if (!page.firstChild) page.replaceChildren(el("p", { class: "fl-error" }, problem.message));
      }
    }

    async function act(path, body) {
      try { error = ""; await call("POST", path, body); } catch (problem) { error = problem.message; }
      refresh();
    }

    function draw({ overview, progress, delivery }) {
      const rounds = [...overview.rounds].reverse();
      if (rounds.length && rounds[0].round !== newest) { newest = rounds[0].round; rounds.slice(0, 2).forEach((r) => opened.add(`round ${r.round}`)); }
      page.replaceChildren(...[
        head(overview, progress), el("p", { class: "fl-error", role: "alert", hidden: !error }, error),
        sent(delivery),
        chart("Over rounds", overview.curves.filter((c) => /win_rate|accuracy/.test(c.name) && c.x.length > 1), "round", true),
        ...rounds.map((round) => one(round, overview)),
        el("p", { class: "fl-note" }, "The same curves in Weights & Biases: ", el("code", {}, `wandb leet ${overview.folder}/wandb`), " or ", el("code", {}, "wandb sync"), "."),
        overview.policy === "base" ? null : back("base")].filter(Boolean));
    }

    function head(overview, progress) {
      const missing = Math.max(0, progress.needed - progress.answered);
      const waiting = overview.rounds.at(-1)?.stages.find((s) => s.name === "rankings")?.state === "waiting";
      const can = !overview.busy && (!waiting || missing === 0);
      const why = overview.busy ? "A round is in progress." : waiting && missing ? `${missing} more rankings are needed.` : "";
      return el("header", { class: "fl-head" },
        el("div", {}, el("h1", {}, overview.run), el("p", {}, `${overview.model} · in force: `, el("b", {}, overview.policy), ` · ${overview.labels} rankings`)),
        el("div", {}, el("button", { type: "button", id: "fl-start", class: "fl-primary", disabled: !can, onclick: () => act("/rounds/start") }, "Start the round"), el("small", {}, why)),
        overview.message && (overview.failed || !waiting) ? el("p", { class: overview.failed ? "fl-error" : "fl-said" }, overview.message) : null);
    }

    function sent(delivery) {
      const text = delivery.error ? `${delivery.pending} rankings wait here for Argilla: ${delivery.error}` : delivery.pending ? `${delivery.pending} rankings are on their way to Argilla.` : "";
      return text ? el("p", { class: "fl-said", id: "fl-delivery" }, text) : null;
    }

    function one(round, overview) {
      const box = el("details", { class: "fl-round", "data-round": round.round, ...fold(`round ${round.round}`) },
        el("summary", {}, el("h2", {}, `Round ${round.round}`), el("span", {}, verdict(round))),
        el("ol", { class: "fl-stages" }, round.stages.map(stage)));
      if (round.note) box.append(el("p", { class: "fl-note" }, round.note));
      if (round.decision) box.append(el("div", { class: "fl-decision" }, el("ul", {}, round.decision.reasons.map((r) => el("li", {}, r)))));
      if (Object.keys(round.metrics).length) box.append(figures(round.metrics));
      const curves = Object.keys(CURVES).map((name) => round.curves.find((c) => c.name === name && c.x.length > 1)).filter(Boolean);
      const doubt = round.curves.find((c) => c.name === "policy/reward_sd" && Math.max(...c.y) > 0);
      if (curves.length) box.append(el("div", { class: "fl-charts" }, curves.map((c) => chart(CURVES[c.name], [c], "step", false, c.name === "policy/reward" ? doubt : null))));
      if (round.decision && round.policy !== overview.policy) {
        box.append(back(round.policy));
      }
      if (round.samples.length) box.append(samples(round));
      return box;
    }

    const verdict = (round) => round.decision ? (round.decision.promoted ? `kept: ${round.policy}` : `not kept; ${round.decision.policy} stays`) : `${round.labels} of ${round.needed} rankings`;

    function stage(s) {
      const share = s.total ? ` ${s.done} / ${s.total}` : "";
      const detail = s.state === "running" ? `${s.what || "starting"}${share}` : s.state === "waiting" ? `waiting${share}` : s.state === "failed" ? "failed" : s.seconds !== null ? `${s.seconds} s` : "";
      return el("li", { class: `fl-stage fl-${s.state}`, "data-stage": s.name, "data-state": s.state }, el("b", {}, TITLES[s.name] || s.name), el("small", {}, detail),
        s.state === "running" && s.total ? el("progress", { max: s.total, value: s.done }) : null);
    }

    function figures(metrics) {
      const show = (value, kind) => kind === "%" ? `${Math.round(100 * value)} %` : kind === "n" ? `${value}` : value.toFixed(2);
      return el("dl", { class: "fl-figures" }, Object.entries(FIGURES).filter(([name]) => name in metrics)
        .map(([name, [title, kind]]) => el("div", {}, el("dt", {}, title), el("dd", {}, show(metrics[name], kind)))));
    }

    const back = (policy) => el("button", { type: "button", class: "fl-rollback", onclick: () => confirm(`Put ${policy} in force?`) && act("/rounds/rollback", { to: policy }) }, `Put ${policy} in force`);

    const fold = (key) => ({ open: opened.has(key), ontoggle: (e) => { opened[e.target.open ? "add" : "delete"](key); } });

    function samples({ round, samples: rows }) {
      return el("details", { class: "fl-samples", ...fold(`samples ${round}`) }, el("summary", {}, `Before and after, ${rows.length} held-out requests`),
        el("div", {}, rows.map((row) => el("article", {}, el("p", { class: "fl-asked" }, row.prompt),
          el("div", { class: "fl-answers" }, side("Before", row.before, row.reward_before), side("After", row.after, row.reward_after))))));
    }

    const side = (name, text, reward) => el("div", { class: "fl-answer" }, el("h3", {}, `${name} · reward ${reward.toFixed(2)}`), el("pre", { dir: "auto" }, text));

    // A line chart; a list of curves shares one scale. `doubt` is a curve of deviations, drawn as a band around the first.
    function chart(title, curves, axis, shares = false, doubt = null) {
      const drawn = curves.filter((c) => c.x.length);
      if (!drawn.length) return null;
      const W = 320, H = 130, L = 40, B = 20, all = (k) => drawn.flatMap((c) => c[k]);
      const [x0, x1] = [Math.min(...all("x")), Math.max(...all("x"))];
      const edge = (sign) => doubt ? drawn[0].y.map((y, i) => y + sign * (doubt.y[i] || 0)) : [];
      const ys = [...all("y"), ...edge(1), ...edge(-1)];
      let [y0, y1] = shares ? [0, 1] : [Math.min(...ys), Math.max(...ys)];
      if (y0 === y1) { y0 -= 0.5; y1 += 0.5; }
      const px = (x) => L + ((W - L - 8) * (x - x0)) / (x1 - x0 || 1), py = (y) => 8 + ((H - B - 8) * (y1 - y)) / (y1 - y0);
      const svg = (tag, attributes, text) => { const e = document.createElementNS("http://www.w3.org/2000/svg", tag); for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v); if (text !== undefined) e.textContent = text; return e; };
      const picture = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": title });
      for (const y of [y0, (y0 + y1) / 2, y1]) {
        picture.append(svg("line", { x1: L, x2: W - 8, y1: py(y), y2: py(y), class: "fl-grid" }), svg("text", { x: L - 5, y: py(y) + 3, "text-anchor": "end" }, Math.abs(y) >= 100 ? y.toFixed(0) : y.toFixed(2)));
      }
      picture.append(svg("text", { x: L, y: H - 4 }, `${axis} ${x0}`), svg("text", { x: W - 8, y: H - 4, "text-anchor": "end" }, x1));
      if (doubt) {
        const upper = edge(1).map((y, i) => `${px(drawn[0].x[i])},${py(y)}`), lower = edge(-1).map((y, i) => `${px(drawn[0].x[i])},${py(y)}`);
        picture.append(svg("polygon", { points: [...upper, ...lower.reverse()].join(" "), class: "fl-band" }));
      }
      drawn.forEach((c, n) => {
        picture.append(svg("polyline", { points: c.x.map((x, i) => `${px(x)},${py(c.y[i])}`).join(" "), class: `fl-line fl-line-${n % 4}` }));
        c.x.length < 12 && c.x.forEach((x, i) => picture.append(svg("circle", { cx: px(x), cy: py(c.y[i]), r: 2.5, class: `fl-dot fl-line-${n % 4}` })));
      });
      const names = drawn.length > 1 ? el("figcaption", {}, drawn.map((c, n) => el("span", { class: `fl-key fl-line-${n % 4}` }, c.name.replace("loop/", "").replaceAll("_", " ")))) : null;
      return el("figure", { class: "fl-chart" }, el("h3", {}, title), picture, names);
    }

    refresh();
    setInterval(() => { if (!document.hidden) refresh(); }, 1000);
  });
})();
