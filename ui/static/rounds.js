// The Rounds page: everything it draws is in one answer of the app, asked for each second and drawn only when it changed.
(() => {
  const { call, whenThere, element: el, chart, reliability } = window.feedbackLoop;
  const TITLES = {
    prompts: "Prompts", comparisons: "Answers", rankings: "Rankings", preferences: "Preferences", reward: "Reward model",
    policy: "Policy", evaluation: "Evaluation", promotion: "Decision",
  };
  const FIGURES = {
    win_rate_parent: ["Wins against the one before", "%"], win_rate_base: ["Wins against the base", "%"],
    true_win_rate_parent: ["True wins against the one before", "%"], true_win_rate_base: ["True wins against the base", "%"],
    reward_accuracy: ["Reward model is right", "%"], next_round_agreement: ["Foresaw the next round", "%"],
    calibration_error: ["Calibration error", ""], length_correlation: ["Reward follows length, r", ""], reward_margin: ["Reward margin", ""],
    first_shown_chosen: ["Chose what stood first", "%"], kl: ["KL from the base, nats", ""],
    length: ["Length, characters", ""], labels: ["Rankings", "n"], ties: ["Ties", "n"],
  };
  const PROXY = "by the reward model", TRUTH = "in truth, by the simulated annotator";
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

    function draw({ overview, progress, delivery, role }) {
      page.dataset.role = role; // doors.css hides from annotators what only owners may press
      const rounds = [...overview.rounds].reverse();
      if (rounds.length && rounds[0].round !== newest) { newest = rounds[0].round; rounds.slice(0, 2).forEach((r) => opened.add(`round ${r.round}`)); }
      page.replaceChildren(...[
        head(overview, progress), el("p", { class: "fl-error", role: "alert", hidden: !error }, error),
        sent(delivery), alarmed(rounds.slice(0, 2)),
        overRounds(overview),
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
        el("summary", {}, el("h2", {}, `Round ${round.round}`), el("span", {}, verdict(round)),
          round.alarms.length ? el("span", { class: "fl-alarmed" }, round.alarms.length > 1 ? `${round.alarms.length} alarms` : "1 alarm") : null),
        round.alarms.length ? alarms(round.alarms) : "",
        el("ol", { class: "fl-stages" }, round.stages.map(stage)));
      if (round.note) box.append(el("p", { class: "fl-note" }, round.note));
      if (round.decision) box.append(el("div", { class: "fl-decision" }, el("ul", {}, round.decision.reasons.map((r) => el("li", {}, r)))));
      if (Object.keys(round.metrics).length) box.append(figures(round.metrics));
      if (round.trust.by_annotator.length > 1) box.append(byAnnotator(round.trust.by_annotator));
      const curves = Object.keys(CURVES).map((name) => round.curves.find((c) => c.name === name && c.x.length > 1)).filter(Boolean);
      const doubt = round.curves.find((c) => c.name === "policy/reward_sd" && Math.max(...c.y) > 0);
      if (curves.length) box.append(el("div", { class: "fl-charts" }, curves.map((c) => chart(CURVES[c.name], [c], "step", { band: c.name === "policy/reward" && doubt ? around(c, doubt) : null }))));
      if (round.decision && round.policy !== overview.policy) {
        box.append(back(round.policy));
      }
      if (round.samples.length) box.append(samples(round));
      return box;
    }

    const around = (c, doubt) => ({ low: c.y.map((y, i) => y - (doubt.y[i] || 0)), high: c.y.map((y, i) => y + (doubt.y[i] || 0)) });

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

    // Proxy against gold: what the reward model says of the policies, and what people and the truth do.
    function overRounds(overview) {
      const of = (name) => overview.curves.find((c) => c.name === `loop/${name}`) || { name, x: [], y: [] };
      const over = (title, names, options = {}) => {
        const curves = Object.keys(names).map(of);
        return curves.some((c) => c.x.length > 1) ? chart(title, curves, "round", { ...options, names: Object.fromEntries(Object.entries(names).map(([n, said]) => [`loop/${n}`, said])) }) : null;
      };
      const [low, high, right] = ["_low", "_high", ""].map((end) => of(`reward_accuracy${end}`));
      const last = overview.rounds.findLast((r) => r.trust.reliability.length);
      const charts = [
        over("Wins against the base", { win_rate_base: PROXY, true_win_rate_base: TRUTH, next_round_agreement: "people choose as the reward model would, in the next round" }, { range: [0, 1] }),
        over("Wins against the one before", { win_rate_parent: PROXY, true_win_rate_parent: TRUTH }, { range: [0, 1] }),
        over("The reward model is right", { reward_accuracy: "on pairs it never saw; band: 90 % interval" }, { range: [0, 1], band: low.x.length && low.x.length === right.x.length ? { low: low.y, high: high.y } : null }),
        last ? reliability(`How sure, and how often right, in round ${last.round}`, last.trust.reliability) : null,
        over("Calibration error", { calibration_error: "how far sureness is from being right, on average" }, { range: [0, 0.2] }),
        over("The reward's correlation with length", { length_correlation: "alarm beyond the dashed lines" }, { range: [-0.5, 0.5], limits: [-0.3, 0.3] }),
      ].filter(Boolean);
      return charts.length ? el("section", { class: "fl-charts fl-over" }, charts) : null;
    }

    // What the newest rounds' boxes say in full, in a line above everything.
    function alarmed(newest) {
      const said = newest.flatMap((r) => r.alarms.map((line) => `round ${r.round}: ${line.split(":")[0]}`));
      return said.length ? el("p", { class: "fl-error", id: "fl-alarmed" }, el("b", {}, said.length > 1 ? `${said.length} alarms` : "Alarm"), ` · ${said.join(" · ")}`) : null;
    }

    function alarms(lines) {
      return el("div", { class: "fl-alarms", role: "note" }, el("b", {}, lines.length > 1 ? `${lines.length} alarms` : "Alarm"),
        el("ul", {}, lines.map((line) => el("li", {}, line))));
    }

    function byAnnotator(groups) {
      const percent = (share) => Math.round(100 * share);
      return el("p", { class: "fl-note" }, "The reward model is right about ", groups.map((g, n) => `${n ? ", " : ""}${g.name}: ${percent(g.accuracy)} % (${percent(g.low)} to ${percent(g.high)}, ${g.pairs} pairs)`).join(""), ".");
    }

    refresh();
    setInterval(() => { if (!document.hidden) refresh(); }, 1000);
  });
})();
