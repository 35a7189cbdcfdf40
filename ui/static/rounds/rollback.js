// The button that puts another version in force, and the question before it: what will happen, why, and how to take it back.
const { element: el, t } = window.feedbackLoop;
const MOST = 500;
const REASONS = 2; // of a refusal, the first of which say the most
const title = (policy) => policy === "base" ? t("rollback.base") : t("rollback.put", { policy });

// `act` gets the reason once the person has confirmed.
export function rollback(policy, overview, act) {
  return el("button", { type: "button", class: "fl-rollback", id: `fl-rollback-${policy}`, disabled: overview.busy, "aria-haspopup": "dialog", onclick: () => confirm(policy, overview, act) }, title(policy));
}

function confirm(policy, overview, act) {
  const open = overview.rounds.find((r) => !r.decision), done = (name) => open?.stages.some((s) => s.name === name && s.state === "done");
  const decision = overview.rounds.find((r) => r.policy === policy)?.decision, refused = decision && !decision.promoted;
  const lines = [
    t("rollback.next", { policy: policy === "base" ? t("rollback.the_base") : policy, now: overview.policy }),
    refused ? t("rollback.refused", { policy, why: decision.reasons.slice(0, REASONS).join(" ") }) : null,
    done("comparisons") ? t("rollback.waiting", { round: open.round }) : null,
    done("policy") ? t("rollback.aside", { round: open.round }) : null,
    t("rollback.kept"),
    t("rollback.undo", { now: overview.policy }),
  ];
  ask({ title: title(policy), lines, label: t(refused ? "decide.reason" : "rollback.reason"), required: Boolean(refused), done: act });
}

// A question with what follows from it, and room for a reason; `done` gets the reason.
export function ask({ title, lines, label, required, done }) {
  const cancel = el("button", { type: "button", autofocus: true, onclick: () => box.close() }, t("rollback.cancel"));
  const reason = el("input", { type: "text", id: "fl-reason", maxlength: MOST, required, autocomplete: "off" });
  const form = el("form", { method: "dialog", onsubmit: () => done(reason.value) },
    el("label", { for: "fl-reason" }, label), reason,
    el("div", { class: "fl-choices" }, cancel, el("button", { type: "submit", class: "fl-primary", id: "fl-confirm" }, title)));
  const box = el("dialog", { class: "fl-dialog", "aria-labelledby": "fl-dialog-title", onclose: () => box.remove() },
    el("h2", { id: "fl-dialog-title" }, `${title}?`),
    el("ul", {}, lines.filter(Boolean).map((line) => el("li", {}, line))), form);
  document.getElementById("fl-rounds").append(box);
  box.showModal();
  cancel.focus();
}
