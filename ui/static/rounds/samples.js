// Before and after: a round's held-out requests, answered by the version before and the new one, searched and turned over.
const { call, element: el, t, number, reading } = window.feedbackLoop;
const KINDS = ["all", "changed", "better", "worse"];

// The section of one round; it asks for a page of samples when it is unfolded.
export function samples(round) {
  const asked = { search: "", show: "all", page: 0 };
  let latest = 0, waiting = null;
  const search = el("input", { type: "search", id: `fl-search-${round}`, placeholder: t("samples.search"), "aria-label": t("samples.search"), maxlength: 200, oninput: () => later({ search: search.value, page: 0 }) });
  const kinds = KINDS.map((kind) => el("button", { type: "button", class: "fl-kind", "aria-pressed": String(kind === "all"), onclick: () => ask({ show: kind, page: 0 }) }, t(`samples.${kind}`)));
  const count = el("p", { class: "fl-note", role: "status" }), shown = el("div", {});
  const turn = (key, by) => el("button", { type: "button", onclick: () => ask({ page: asked.page + by }, true) }, t(key));
  const back = turn("samples.previous", -1), on = turn("samples.next", 1), place = el("span", {});
  const pages = el("nav", { class: "fl-pages", "aria-label": t("samples.pages"), hidden: true }, back, place, on);

  function later(change) {
    clearTimeout(waiting);
    waiting = setTimeout(() => ask(change), 200);
  }

  async function ask(change, turned = false) {
    Object.assign(asked, change);
    const mine = ++latest;
    try {
      const found = await call("GET", `/rounds/${round}/samples?${new URLSearchParams(asked)}`);
      if (mine === latest) draw(found, turned);
    } catch (problem) { if (mine === latest) shown.replaceChildren(el("p", { class: "fl-error", role: "alert" }, problem.message)); }
  }

  function draw(found, turned) {
    asked.page = found.page;
    kinds.forEach((button, n) => {
      button.setAttribute("aria-pressed", String(KINDS[n] === asked.show));
      button.replaceChildren(t(`samples.${KINDS[n]}`), el("small", {}, number(found.counts[KINDS[n]])));
    });
    count.textContent = t("samples.count", { n: found.counts[asked.show], total: found.total });
    shown.replaceChildren(...found.items.map(article));
    pages.hidden = found.pages < 2;
    place.textContent = t("samples.page", { page: found.page + 1, pages: found.pages });
    back.disabled = found.page === 0;
    on.disabled = found.page + 1 >= found.pages;
    if (turned) box.scrollIntoView({ block: "start" });
  }

  const box = el("details", { class: "fl-samples", ontoggle: () => box.open && !latest && ask({}) },
    el("summary", {}, el("h3", {}, t("samples.title"))),
    el("div", { class: "fl-tools", role: "search" }, search, el("div", { class: "fl-kinds", role: "group", "aria-label": t("samples.filter") }, kinds)), count, shown, pages);
  return box;
}

function article({ prompt, before, after }) {
  const more = after.words - before.words;
  return el("article", {}, el("p", { class: "fl-asked", dir: "auto" }, prompt), el("div", { class: "fl-answers" },
    side(t("samples.before"), before), side(t("samples.after"), after, more ? ` (${more > 0 ? "+" : "−"}${number(Math.abs(more))})` : "")));
}

function side(title, { html, words, reward }, more = "") {
  return el("div", { class: "fl-answer" }, el("h4", {}, title, el("small", {}, ` · ${t("samples.words", { n: words })}${more} · ${t("samples.reward", { reward: number(reward) })}`)), el("div", { class: "fl-text" }, reading.written({ html })));
}
