// What the Soup page calls things. A cell is {training, level, shots}; where the run has no brief, nothing is said of it.
const { t } = window.feedbackLoop;

const known = (key, otherwise) => { const said = t(key); return said === key ? otherwise : said; };

// "bake+dpo" is two trainings, one after the other; an ingredient may be several things, too.
const listed = (names, each) => names.split("+").map(each).join(" + ");
export const training = (names) => listed(names, (one) => known(`soup.training.${one}`, one));
export const ingredient = (names) => listed(names, (one) => known(`soup.ingredient.${one}`, training(one)));

const share = (level) => level >= 1 ? "all" : level <= 0 ? "none" : "part";
export const brief = (level) => t(`soup.brief.${share(level)}`, { level });

export function called({ training: name, level, shots }, hasBrief) {
  return [training(name), hasBrief ? t(`soup.pasted.${share(level)}`, { level }) : "", shots ? t("soup.shots", { n: shots }) : ""].filter(Boolean).join(t("list.comma"));
}

export const hasBrief = (soup) => soup.cells.some(({ cell }) => cell.level > 0);

// Every training with the colour that it has in a chart: the base itself has none.
export function colours(soup) {
  const all = [...new Set(soup.cells.map(({ cell }) => cell.training))], learned = all.filter((name) => name !== "none");
  return new Map(all.map((name) => [name, name === "none" ? "fl-soup-plain" : `fl-line-${learned.indexOf(name) % 4}`]));
}
