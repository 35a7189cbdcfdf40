// What the page says. `t(key, values)` gives a text in the person's language, at once: `language.js` came before this.
// `{name}` in a text is a value; a number is written as the language writes it, `{share:percent}` as a percentage. A text
// with several plural forms is chosen by the value `n`.
(() => {
  const { language, tag, direction, languages, words } = window.feedbackLoopWords;
  const REMEMBERED = "feedback_loop_language", YEAR = 365 * 24 * 3600;
  const plural = new Intl.PluralRules(tag);

  const number = (value, digits = 2) => new Intl.NumberFormat(tag, { maximumFractionDigits: digits }).format(value);
  const percent = (share, digits = 0) => new Intl.NumberFormat(tag, { style: "percent", maximumFractionDigits: digits }).format(share);
  const unit = (value, name) => new Intl.NumberFormat(tag, { style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
  const seconds = (value) => value < 90 ? unit(value, "second") : value < 5400 ? unit(value / 60, "minute") : unit(value / 3600, "hour");
  const when = (time) => new Intl.DateTimeFormat(tag, { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
  const FORMS = { percent, seconds, when };

  function shown(place, values) {
    const [name, form] = place.split(":"), value = values[name];
    if (form) return FORMS[form](value);
    return typeof value === "number" ? number(value) : value ?? "";
  }

  // The same as `t`, in pieces, for values that are elements: `el("p", {}, ...parts("rounds.in_force", { policy: el("b", {}, name) }))`.
  function parts(key, values = {}) {
    const text = words[key] ?? key;
    const pattern = typeof text === "string" ? text : text[plural.select(values.n)] ?? text.other;
    return pattern.split(/\{(\w+(?::\w+)?)\}/).map((piece, at) => (at % 2 ? shown(piece, values) : piece));
  }

  const t = (key, values) => parts(key, values).join("");

  function choose(code) {
    try { localStorage.setItem(REMEMBERED, code); } catch { /* a browser may forbid it; the cookie is enough */ }
    document.cookie = `${REMEMBERED}=${code}; path=/; max-age=${YEAR}; samesite=lax`;
    location.reload();
  }

  // Browsers forget cookies sooner than storage.
  function remember() {
    let kept = null;
    try { kept = localStorage.getItem(REMEMBERED); } catch { return; }
    if (kept in languages && kept !== language && navigator.cookieEnabled && !document.cookie.includes(`${REMEMBERED}=`)) choose(kept);
  }

  function picker() {
    const made = document.createElement("select");
    made.className = "fl-language";
    made.setAttribute("aria-label", t("language"));
    for (const [code, name] of Object.entries(languages)) {
      const option = new Option(name, code, code === language, code === language);
      option.lang = code;
      made.append(option);
    }
    made.addEventListener("change", () => choose(made.value));
    return made;
  }

  // Gradio writes its pages' names as they were given, in one language for all: they are written anew as they appear.
  function translate(head) {
    for (const link of head.querySelectorAll("a[href]")) {
      const key = `page.${new URL(link.href).pathname.replaceAll("/", "") || "label"}`;
      if (key in words && link.textContent !== t(key)) link.textContent = t(key);
      if (link.classList.contains("active")) link.setAttribute("aria-current", "page");
    }
    if (!head.querySelector(".fl-language")) head.append(picker());
  }

  remember();
  Object.assign(document.documentElement, { lang: tag, dir: direction });
  new MutationObserver(() => document.querySelectorAll(".nav-holder nav, .fl-login-head").forEach(translate))
    .observe(document.documentElement, { childList: true, subtree: true });

  window.feedbackLoop = Object.assign(window.feedbackLoop || {}, { t, parts, number, percent, seconds, when, language });
})();
