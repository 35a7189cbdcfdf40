// The Team page: how far each person's labels can be trusted, in figures with intervals and in sentences; for owners.
(() => {
  const { call, whenThere, createFlags, element: el, t, parts, percent, number, seconds, when } = window.feedbackLoop;
  const REFRESH = 30_000;
  // Figures of a person that are shares, in the order in which they are shown; `half` where one half is what to expect.
  const SHARES = [
    { key: "self_agreement", name: "same" }, { key: "checks", name: "checks" }, { key: "majority", name: "majority" },
    { key: "first_chosen", name: "first", half: true }, { key: "longer_chosen", name: "longer", half: true },
  ];
  // Least alpha for each sentence; below the last it cannot be told from chance.
  const SAID = [[0.8, "team.alpha.strong"], [0.6, "team.alpha.good"], [0.3, "team.alpha.some"], [-1, "team.alpha.little"]];

  const name = (person) => el("bdi", {}, person);
  const placed = (made, values) => { for (const [key, value] of Object.entries(values)) made.style.setProperty(`--${key}`, value); return made; };
  const wide = (share) => t("team.share", { share: share.share, low: share.low, high: share.high, n: share.count });
  const section = (title, ...inside) => el("section", { class: "fl-team-part" }, el("h2", {}, title), inside.flat());
  const note = (...text) => el("p", { class: "fl-note" }, text);

  function findings({ people }) {
    const found = people.flatMap((p) => {
      const said = [];
      if (p.leans) said.push(parts(p.leans === "first" ? "team.finding.first" : "team.finding.second", { name: name(p.name), share: p.leans === "first" ? p.first_chosen.share : 1 - p.first_chosen.share, n: p.first_chosen.count }));
      const e = p.evidence;
      if (p.inconsistent) said.push(parts("team.finding.inconsistent", { name: name(p.name), error: e.error, low: e.error_low, high: e.error_high, weight: e.weight }));
      return said;
    });
    return section(t("team.look"), found.length ? el("ul", { class: "fl-team-findings" }, found.map((line) => el("li", {}, line))) : el("p", {}, t("team.nothing")));
  }

  // A column a round, as high as the person's answers against the most that anybody gave in one.
  function byRound(person, rounds, most) {
    const said = rounds.map((r) => t("team.in_round", { round: r, n: person.by_round[r] || 0 }));
    return el("span", { class: "fl-team-rounds", role: "img", "aria-label": said.join("; "), title: said.join("\n") },
      rounds.map((r) => placed(el("i", {}), { height: (person.by_round[r] || 0) / most })));
  }

  function table({ people, weighing }) {
    const rounds = [...new Set(people.flatMap((p) => Object.keys(p.by_round)))].sort((a, b) => a - b);
    const most = Math.max(1, ...people.flatMap((p) => Object.values(p.by_round)));
    const heads = ["answers", "rounds", "last", "seconds", "undecided", "skips", "weight"];
    const cell = (head, ...inside) => el("td", { "data-head": t(`team.${head}`) }, inside.flat());
    const rows = people.map((p) => el("tr", { "data-person": p.name }, el("th", { scope: "row" }, name(p.name)),
      cell("answers", number(p.answers)), cell("rounds", byRound(p, rounds, most)), cell("last", when(p.last_active)),
      cell("seconds", p.seconds ? [el("span", {}, seconds(p.seconds.median)), el("small", {}, t("team.spread", { low: p.seconds.low, high: p.seconds.high }))] : "–"),
      cell("undecided", t("team.ties", { ties: p.ties, neither: p.neither })),
      cell("skips", Object.keys(p.skips).length ? Object.entries(p.skips).map(([why, n]) => el("span", { class: "fl-team-skip" }, t(`team.skip.${why}`, { n }))) : "0"),
      cell("weight", el("b", { class: p.evidence.weight < 0.8 ? "fl-team-low" : "" }, number(p.evidence.weight)))));
    return section(t("team.people"),
      el("div", { class: "fl-team-scroll", tabindex: "0", role: "region", "aria-label": t("team.people") }, el("table", { class: "fl-team-table" },
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("team.person")), heads.map((head) => el("th", { scope: "col" }, t(`team.${head}`))))), el("tbody", {}, rows))),
      note(t(weighing === "weigh" ? "team.weighing" : "team.ignored")));
  }

  // A share on a line from 0 to 100 %, with its interval.
  function bar(share, half) {
    return placed(el("span", { class: `fl-team-bar${half ? " fl-team-half" : ""}`, "aria-hidden": "true" }, el("i", {}), el("b", {})), { low: share.low, high: share.high, at: share.share });
  }

  function shares(people) {
    const one = ({ key, name: figure, half }) => {
      const known = people.filter((p) => p[key]);
      return el("article", { "data-figure": key }, el("h3", {}, t(`team.${figure}`)), el("p", { class: "fl-note" }, t(`team.${figure}.means`)),
        known.length ? el("ul", { class: "fl-team-bars" }, known.map((p) => el("li", {}, name(p.name), bar(p[key], half), el("span", {}, wide(p[key]))))) : el("p", { class: "fl-team-none" }, t(`team.${figure}.none`)));
    };
    return section(t("team.figures"), note(t("team.intervals")), el("div", { class: "fl-team-grid" }, SHARES.map(one)));
  }

  // Alpha on its scale, from chance to perfect agreement.
  function scale({ alpha, low, high }) {
    const from = Math.min(-0.2, low), at = (value) => (value - from) / (1 - from);
    return el("div", { class: "fl-team-alpha" },
      placed(el("span", { class: "fl-team-bar", role: "img", "aria-label": t("team.alpha.figure", { alpha, low, high }) }, el("i", {}), el("b", {})), { low: at(low), high: at(high), at: at(alpha) }),
      placed(el("small", { class: "fl-team-chance" }, t("team.alpha.chance")), { at: at(0) }), el("small", { class: "fl-team-perfect" }, t("team.alpha.perfect")));
  }

  function alpha({ alpha: found }) {
    if (!found) return el("p", {}, t("team.alpha.missing"));
    const said = found.low <= 0 && found.high >= 0 ? "team.alpha.nothing" : found.high < 0 ? "team.alpha.opposed" : SAID.find(([least]) => found.alpha >= least)[1];
    return [el("p", { class: "fl-team-said" }, t(said)), scale(found), el("p", { id: "fl-team-alpha" }, t("team.alpha.figure", found)), note(t("team.alpha.means", found))];
  }

  // Who says the same as whom; on the diagonal, as they themselves when asked again.
  function heat({ people, between }) {
    const pairs = new Map(between.flatMap((b) => [[`${b.one}\n${b.other}`, b.same], [`${b.other}\n${b.one}`, b.same]]));
    const shown = people.filter((p) => between.some((b) => b.one === p.name || b.other === p.name));
    const cell = (a, b) => {
      const share = a === b ? a.self_agreement : pairs.get(`${a.name}\n${b.name}`);
      if (!share) return el("td", { class: "fl-team-unknown" }, "·");
      return placed(el("td", { class: a === b ? "fl-team-self" : "", title: wide(share) }, percent(share.share), el("small", {}, t("team.of", { n: share.count }))), { share: share.share });
    };
    return [el("div", { class: "fl-team-scroll", tabindex: "0", role: "region", "aria-label": t("team.agreement") },
      el("table", { class: "fl-team-heat" }, el("thead", {}, el("tr", {}, el("td"), shown.map((p) => el("th", { scope: "col" }, name(p.name))))),
        el("tbody", {}, shown.map((a) => el("tr", {}, el("th", { scope: "row" }, name(a.name)), shown.map((b) => cell(a, b))))))), note(t("team.heat"))];
  }

  function agreement(team) {
    if (team.people.length < 2) return section(t("team.agreement"), el("p", { id: "fl-team-alone" }, t("team.alone")));
    if (!team.between.length) return section(t("team.agreement"), el("p", {}, t("team.apart")));
    return section(t("team.agreement"), alpha(team), heat(team));
  }

  function draw(page, team, flags) {
    if (!team.people.length) {
      page.replaceChildren(el("div", { class: "fl-empty" }, el("h1", {}, t("page.team")), el("p", {}, t("team.empty"))));
      return;
    }
    const overlap = t("team.overlap", { shared: team.shared, answered: team.answered });
    page.replaceChildren(
      el("header", { class: "fl-head" }, el("div", {}, el("h1", {}, t("page.team")), el("p", {}, t("team.summary", { n: team.people.length, answers: team.answers }), " ", team.people.length > 1 ? overlap : ""))),
      findings(team), flags.box, table(team), shares(team.people), agreement(team), note(t("team.elsewhere")));
  }

  whenThere("fl-team", (page) => {
    const flags = createFlags();
    let last = "";
    async function refresh() {
      try {
        const team = await call("GET", "/team"), text = JSON.stringify(team);
        if (text !== last) { last = text; draw(page, team, flags); }
        await flags.refresh();
      } catch (problem) {
        if (!last) page.replaceChildren(el("p", { class: "fl-error", role: "alert" }, problem.message));
      }
    }
    refresh();
    setInterval(() => { if (!document.hidden) refresh(); }, REFRESH);
  });
})();
