// Which key does what. The keyboard obeys this table and the sheet of shortcuts shows it.
import { closeSummary } from "./acts.js";
import { ranksMany, tell } from "./board.js";
import { sidesOf } from "./card.js";
import { isTyping, keyOf } from "./keys.js";

const { reading, t } = window.feedbackLoop;
const ANY = undefined; // whether Shift is held does not matter

// Groups of `{ shown, keys, shift, text, act }`; `act` gets the key that was pressed.
export function bindings(at) {
  const { card, acts } = at;
  const many = card && ranksMany(card);
  return [
    { title: t("keys.answer"), keys: [...(many ? order(card, acts) : pair(at)),
      one("S", t("keys.skip"), acts.skip), one("U", t("keys.undo"), acts.undo), one("F", t("keys.flag"), acts.flag)] },
    { title: t("keys.write"), keys: [
      one("C", t("keys.comment"), acts.comment), one("E", t("keys.edit"), acts.edit), one("W", t("keys.own"), acts.write),
      { shown: ["Ctrl", "⏎"], keys: [], text: t("keys.save") }, { shown: ["Alt", "1"], keys: [], text: t("keys.edit_which") }, { shown: ["Esc"], keys: [], text: t("keys.leave") }] },
    { title: t("keys.read"), keys: Object.entries(reading.KEYS).map(([key, name]) => one(key.toUpperCase(), t(`keys.${name}`), () => tell(at, reading.toggle(name)))) },
    { title: t("keys.around"), keys: [one("H", t("keys.history"), acts.history), one("?", t("keys.shortcuts"), acts.shortcuts)] },
  ];
}

const one = (shown, text, act) => ({ shown: [shown], keys: [shown.toLowerCase()], shift: ANY, text, act });

function pair(at) {
  const { vote, slightly, tie, neither } = at.acts;
  const side = { 1: "first", 2: "second" };
  return [
    { shown: ["1", "2"], keys: ["1", "2"], shift: false, text: t("keys.better"), act: (key) => vote(side[key], at.slight ? "slight" : undefined) },
    { shown: ["⇧ 1", "⇧ 2"], keys: ["1", "2"], shift: true, text: t("keys.much"), act: (key) => vote(side[key], "much") },
    { shown: ["A"], keys: ["a"], shift: ANY, text: t("keys.slightly"), act: slightly },
    { shown: ["3"], keys: ["3"], shift: false, text: t("keys.tie"), act: tie },
    { shown: ["4"], keys: ["4"], shift: false, text: t("keys.neither"), act: neither },
  ];
}

function order(card, { place, tieWith, takeBack, done, tie, neither }) {
  const sides = sidesOf(card), digits = sides.map((_, n) => `${n + 1}`);
  return [
    { shown: digits, keys: digits, shift: false, text: t("keys.place"), act: (key) => place(sides[key - 1]) },
    { shown: digits.map((key) => `⇧ ${key}`), keys: digits, shift: true, text: t("keys.tie_with"), act: (key) => tieWith(sides[key - 1]) },
    { shown: ["⌫"], keys: ["Backspace"], shift: ANY, text: t("keys.take_back"), act: takeBack },
    { shown: ["⏎"], keys: ["Enter"], shift: false, text: t("keys.done"), act: done },
    one("T", t("keys.all_equal"), tie), one("N", t("keys.none_good"), neither),
  ];
}

export function listen(at) {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || at.page.querySelector("dialog[open]")) return;
    if (isTyping(event.target)) return whileTyping(at, event);
    const key = keyOf(event), act = key && (key === "Escape" ? escape(at) : found(at, key, event));
    if (act) { event.preventDefault(); act(key); }
  });
}

function whileTyping({ page, acts, drawn }, event) {
  if (!page.contains(event.target)) return;
  const save = event.key === "Enter" && (event.ctrlKey || event.metaKey);
  if (!save && event.key !== "Escape") return;
  event.preventDefault();
  if (save && event.target.closest(".fl-editor")) acts.save();
  else drawn.focus({ preventScroll: true });
}

function found(at, key, event) {
  const asked = at.question?.options.find((option) => option.key.toLowerCase() === key);
  if (asked) return asked.act;
  if (["Enter", " "].includes(key) && event.target.closest("a, button:not(.fl-chip), summary, label")) return null;
  if (at.question && /^[0-9]$/.test(key)) return null;
  const needsCard = (binding) => at.card || [at.acts.undo, at.acts.history, at.acts.shortcuts].includes(binding.act);
  const all = bindings(at).flatMap((group) => group.keys);
  return all.find((each) => each.keys.includes(key) && (each.shift === ANY || each.shift === event.shiftKey) && needsCard(each))?.act;
}

// What Escape leaves, the nearest first.
function escape(at) {
  if (at.question) return at.acts.closeQuestion;
  if (closeSummary(at)) return () => {};
  if (at.draft?.open) return at.acts.aside;
  return at.card?.revising ? at.acts.back : null;
}
