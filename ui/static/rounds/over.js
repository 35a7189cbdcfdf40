// Curves over all rounds. Proxy against gold: what the reward model says of the policies, and what people and the truth do.
const { element: el, t, number, chart, reliability } = window.feedbackLoop;

export function overRounds(overview) {
  const of = (name) => overview.curves.find((c) => c.name === `loop/${name}`) || { name: `loop/${name}`, x: [], y: [] };
  // Each of `names` as a curve, with whiskers where it has an interval; nothing where all have fewer than `least` points.
  function over(title, names, least, options = {}) {
    const curves = Object.keys(names).map(of);
    if (!curves.some((c) => c.x.length >= least)) return null;
    const ends = Object.keys(names).map((name) => [`loop/${name}`, { low: of(`${name}_low`).y, high: of(`${name}_high`).y }]);
    const whiskers = Object.fromEntries(ends.filter(([name, { low }]) => low.length && low.length === curves.find((c) => c.name === name).x.length));
    return chart(title, curves, t("rounds.round_axis"), { whiskers, ...options, names: Object.fromEntries(Object.entries(names).map(([n, said]) => [`loop/${n}`, said])) });
  }
  const proxy = t("rounds.over.proxy"), truth = t("rounds.over.truth"), last = overview.rounds.findLast((r) => r.trust.reliability.length);
  const rates = { range: [0, 1], ideal: 0.5, shares: true };
  // How much of the brief is still needed: tokens, beside what the model as it came needs, and the whole of it.
  function brief() {
    const round = overview.rounds.findLast((r) => r.brief_needed);
    if (!round) return null;
    const { brief_needed: ours, brief_base: base } = round, said = ({ tokens, of }) => tokens === null ? `> ${number(of)}` : number(tokens);
    const what = t("rounds.over.brief_what", { policy: ours.policy, tokens: said(ours), of: ours.of, base: said(base), judge: t(`rounds.over.judge.${ours.judge.replace(" ", "_")}`) });
    const before = overview.rounds.some((r) => r.other_brief) ? `. ${t("rounds.over.other_brief")}` : "";
    return over(t("rounds.over.brief"), { brief_tokens_needed: what + before }, 1, { range: [0, ours.of], ideal: base.tokens ?? base.of });
  }
  const steep = Math.max(0.5, ...of("length_correlation").y.map(Math.abs)); // nothing stands in the middle
  const charts = [
    brief(),
    over(t("rounds.over.base"), { win_rate_base: proxy, true_win_rate_base: truth, next_round_agreement: t("rounds.over.people") }, 1, rates),
    over(t("rounds.over.parent"), { win_rate_parent: proxy, duel_win_rate: t("rounds.over.votes"), true_win_rate_parent: truth }, 1, rates),
    over(t("rounds.over.right"), { reward_accuracy: t("rounds.over.unseen") }, 1, rates),
    last ? reliability(t("rounds.sure.title", { round: last.round }), last.trust.reliability) : null,
    over(t("rounds.over.calibration"), { calibration_error: t("rounds.over.calibration_what") }, 2, { range: [0, 0.2] }),
    over(t("rounds.over.length"), { length_correlation: t("rounds.over.length_what") }, 2, { range: [-steep, steep], limits: [-0.3, 0.3], whiskers: {} }),
  ].filter(Boolean);
  if (!charts.length) return null;
  return el("section", { "aria-label": t("rounds.over.title") },
    el("div", { class: "fl-charts fl-over", tabindex: "0", role: "region", "aria-label": t("rounds.over.title") }, charts), el("p", { class: "fl-note fl-how" }, t("rounds.over.how")));
}
