// The button that puts another version in force, and the question before it: what will happen, and how to take it back.
const { element: el, t } = window.feedbackLoop;
const title = (policy) => policy === "base" ? t("rollback.base") : t("rollback.put", { policy });

// `act` is called once the person has confirmed.
export function rollback(policy, overview, act) {
  return el("button", { type: "button", class: "fl-rollback", id: `fl-rollback-${policy}`, disabled: overview.busy, "aria-haspopup": "dialog", onclick: () => confirm(policy, overview, act) }, title(policy));
}

function confirm(policy, overview, act) {
  const open = overview.rounds.find((r) => !r.decision), done = (name) => open?.stages.some((s) => s.name === name && s.state === "done");
  const cancel = el("button", { type: "button", autofocus: true, onclick: () => box.close() }, t("rollback.cancel"));
  const box = el("dialog", { class: "fl-dialog", "aria-labelledby": "fl-dialog-title", onclose: () => box.remove() },
    el("h2", { id: "fl-dialog-title" }, `${title(policy)}?`),
    el("ul", {}, [
      t("rollback.next", { policy: policy === "base" ? t("rollback.the_base") : policy, now: overview.policy }),
      done("comparisons") ? t("rollback.waiting", { round: open.round }) : null,
      done("policy") ? t("rollback.aside", { round: open.round }) : null,
      t("rollback.kept"),
      t("rollback.undo", { now: overview.policy }),
    ].filter(Boolean).map((line) => el("li", {}, line))),
    el("div", { class: "fl-choices" }, cancel, el("button", { type: "button", class: "fl-primary", id: "fl-confirm", onclick: () => { box.close(); act(); } }, title(policy))));
  document.getElementById("fl-rounds").append(box);
  box.showModal();
  cancel.focus();
}
