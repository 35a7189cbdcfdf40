// What the Soup page calls things. A cell is {training, level, shots}; where the run has no brief, nothing is said of it.
const { t } = window.feedbackLoop;

const known = (key, otherwise) => { const said = t(key); return said === key ? otherwise : said; };

// "bake+dpo" is two trainings, one after the other.
export const training = (name) => name === "none" ? t("soup.training.none") : name.split("+").map((one) => known(`soup.training.${one}`, one)).join(" + ");
export const ingredient = (name) => known(`soup.ingredient.${name}`, training(name));

export function brief(level) {
  return level >= 1 ? t("soup.brief.all") : level <= 0 ? t("soup.brief.none") : t("soup.brief.part", { level });
}

export function called({ training: name, level, shots }, hasBrief) {
  return [training(name), hasBrief ? brief(level) : "", shots ? t("soup.shots", { n: shots }) : ""].filter(Boolean).join(t("list.comma"));
}

export const hasBrief = (soup) => soup.cells.some(({ cell }) => cell.level > 0);

// Which of the four colours of a chart a training has.
export const colours = (soup) => [...new Set(soup.cells.map(({ cell }) => cell.training))];
