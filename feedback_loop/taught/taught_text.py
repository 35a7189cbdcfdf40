"""What labels taught, in English sentences: for the terminal and W&B. The Rounds page says the same from `ui/words`."""

from collections.abc import Iterable

from feedback_loop.taught.lessons import Difference, Direction, Lesson, Taught
from feedback_loop.taught.traits import sayings

SENTENCES = {
    "prefer.count": "You prefer {what}: by {size} ({low} to {high}).",
    "prefer.share": "You prefer {what}: {chosen} of what you chose, {rejected} of the rest ({low} to {high} points).",
    "followed": "The new version followed: {new}, the base model {old} ({change}).",
    "there": "The new version is there already: {new}, the base model {old} ({change}).",
    "not yet": "The new version has not followed yet: {new}, the base model {old} ({change}).",
    "slipped": "The new version slipped back: {new}, the one before {before}, the base model {old} ({change}).",
    "against": "The new version went the other way: {new}, the base model {old} ({change}).",
    "unasked": "The new version moved to {what}: {new}, the base model {old} ({change}).",
    "leaning": "You lean to {what}; the new version moved so: {new}, the base model {old} ({change}).",
}
SUMMARY = "{pairs} choices on {prompts} requests so far, {round_pairs} of them in this round; {ties} ties say nothing of a trait."
HEADS = {
    "wanted": "What you prefer",
    "unasked": "Changed, though you never said so",
    "leaning": "Perhaps: it may be chance",
    "either": "Makes no difference to you",
    "unknown": "Not yet known",
    "unseen": "The answers never differed in",
}
HOW = (
    "{count} traits are measured. Differences are chosen less rejected answers, and the new version less others on the same "
    "{heldout} held-out requests; intervals are 95%, over requests. What is said here survives a test of all traits "
    "together: of twenty rounds without any preference, one would show one by chance. Where an answer stood cannot "
    "make a trait, as the order is drawn at random. Traits go together: who likes short answers gets fewer sentences."
)


def groups(found: Taught) -> dict[str, list[Lesson]]:
    """The lessons under the heads they are shown under, in their order."""
    placed: dict[str, list[Lesson]] = {head: [] for head in HEADS}
    for lesson in found.lessons:
        placed[lesson.head].append(lesson)
    return placed


def as_text(found: Taught) -> str:
    """What a round's labels taught, for the terminal."""
    lines = [f"round {found.round:03d}: {SUMMARY.format(**found.model_dump(exclude={'lessons'}))}"]
    for head, lessons in groups(found).items():
        if not lessons:
            continue
        if head in ("wanted", "unasked", "leaning"):
            lines += ["", HEADS[head], *(f"- {sentence(lesson)}" for lesson in lessons)]
        else:
            lines += ["", f"{HEADS[head]}: {', '.join(names(lessons))}"]
    return "\n".join([*lines, "", HOW.format(count=len(found.lessons), heldout=found.heldout)])


def sentence(lesson: Lesson) -> str:
    """A lesson as one or two sentences; empty where nothing can be said."""
    said = []
    want = lesson.labels.clear if lesson.labels is not None else None
    if lesson.labels is not None and want is not None:
        said.append(_preference(lesson, lesson.labels, want))
    if lesson.base is not None and lesson.parent is not None and lesson.verdict in SENTENCES:
        said.append(_movement(lesson, lesson.parent, lesson.base, want))
    return " ".join(said)


def names(lessons: Iterable[Lesson]) -> list[str]:
    """What the lessons' traits are called."""
    return [sayings()[lesson.trait]["name"].format(phrase=lesson.phrase) for lesson in lessons]


def _preference(lesson: Lesson, labels: Difference, want: Direction) -> str:
    low, high = _bounds(lesson, labels, want)
    if lesson.kind == "share":
        chosen, rejected = (_level(lesson, value, want) for value in (labels.ours, labels.theirs))
        return SENTENCES["prefer.share"].format(
            what=_what(lesson, want), chosen=chosen, rejected=rejected, low=f"{low:.0f}", high=f"{high:.0f}"
        )
    low, high = sorted((abs(low), abs(high)))
    size = _level(lesson, abs(labels.value), want)
    return SENTENCES["prefer.count"].format(what=_what(lesson, want), size=size, low=_number(low), high=_number(high))


def _movement(lesson: Lesson, parent: Difference, base: Difference, want: Direction | None) -> str:
    way = want or _way(base if base.clear else parent)
    levels = {"new": base.ours, "old": base.theirs, "before": parent.theirs}
    shown = {key: _level(lesson, value, way) for key, value in levels.items()}
    low, high = _bounds(lesson, base, way)
    change = f"{_signed(low, lesson.kind)} to {_signed(high, lesson.kind)}" + (
        " points" if lesson.kind == "share" else ""
    )
    return SENTENCES[lesson.verdict].format(what=_what(lesson, way), change=change, **shown)


def _bounds(lesson: Lesson, found: Difference, way: Direction) -> tuple[float, float]:
    """The interval; of a share, in percentage points of what is named: of `no emoji`, of those without."""
    if lesson.kind == "count":
        return found.low, found.high
    return (100 * found.low, 100 * found.high) if way == "more" else (-100 * found.high, -100 * found.low)


def _what(lesson: Lesson, way: Direction) -> str:
    return sayings()[lesson.trait][way].format(phrase=lesson.phrase)


def _way(moved: Difference) -> Direction:
    return "more" if moved.value > 0 else "less"


def _level(lesson: Lesson, value: float, way: Direction) -> str:
    """A mean as said; of a share, the part that has what is named: of `no emoji`, those without."""
    if lesson.kind == "count":
        return f"{_number(value)} {sayings()[lesson.trait]['unit']}"
    return f"{100 * (value if way == 'more' else 1 - value):.0f} %"


def _number(value: float) -> str:
    size = abs(value)
    return f"{value:.0f}" if size >= 100 else f"{value:.2f}" if 0 < size < 0.1 else f"{value:.1f}"


def _signed(value: float, kind: str) -> str:
    size = f"{abs(value):.0f}" if kind == "share" else _number(abs(value))
    return ("-" if value < 0 else "+") + size
