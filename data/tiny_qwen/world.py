"""The tiny world: short requests, style directives, and replies that follow the directives.

A reply has an optional greeting, a body of one to three sentences (the first holds every content word of the
request) and an optional closing, parted by empty lines. The body is prose or one bullet a sentence; with
`ends_with_question` its last sentence is the question; a hedge stands in its first sentence; one emoji follows its
first or last sentence. So each of the eight directives can be followed whatever the others say.
"""

import itertools
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

HERE = Path(__file__).resolve().parent
LEXICON: Mapping[str, list[str]] = json.loads((HERE / "lexicon.json").read_text(encoding="utf-8"))
PHRASES = json.loads((HERE / "phrases.json").read_text(encoding="utf-8"))

Pair = tuple[str, str]
"""A verb and a noun: the part of a request by which the sets of prompts are kept apart."""


@dataclass(frozen=True)
class Style:
    """What the eight directives ask for; each field bears the name of its check in `feedback_loop.simulation.checks`."""

    greeting: bool
    sentences: int
    bullets: bool
    emoji: bool
    formal: bool
    ends_with_question: bool
    hedged: bool
    closing: bool


DIRECTIVES = tuple(field.name for field in fields(Style))
VALUES: Mapping[str, tuple[bool | int, ...]] = {
    name: (1, 2, 3) if name == "sentences" else (True, False) for name in DIRECTIVES
}


@dataclass(frozen=True)
class Request:
    """A request's content words and the words around them; adjective and place may be absent (empty)."""

    verb: str
    noun: str
    adjective: str = ""
    place: str = ""
    preposition: str = "in"
    determiner: str = "the"
    template: str = "How do I {v} {x}{w}?"

    @property
    def pair(self) -> Pair:
        """The verb and the noun."""
        return self.verb, self.noun

    @property
    def words(self) -> tuple[str, ...]:
        """The content words."""
        return tuple(word for word in (self.verb, self.noun, self.adjective, self.place) if word)

    @property
    def text(self) -> str:
        """What the user writes."""
        thing = f"{self.adjective} {self.noun}" if self.adjective else self.noun
        article = "an" if self.determiner == "a" and thing[0] in "aeiou" else self.determiner
        return self.fill(self.template, article)

    def fill(self, template: str, article: str = "the") -> str:
        """A template with its slots {v}erb, thing ({x}), {n}oun and {w}here filled."""
        thing = f"{article} {self.adjective} {self.noun}" if self.adjective else f"{article} {self.noun}"
        where = f" {self.preposition} the {self.place}" if self.place else ""
        return template.format(v=self.verb, x=thing, n=self.noun, w=where)


def draw_style(rng: random.Random) -> Style:
    """Every directive at random, independent and uniform."""
    return Style(**{name: rng.choice(VALUES[name]) for name in DIRECTIVES})  # type: ignore[arg-type]


def draw_request(rng: random.Random, pairs: Sequence[Pair]) -> Request:
    """A request with one of the given verb-noun pairs; adjective and place are each there in 7 of 10."""
    verb, noun = rng.choice(pairs)
    return Request(
        verb=verb,
        noun=noun,
        adjective=rng.choice(LEXICON["adjectives"]) if rng.random() < 0.7 else "",
        place=rng.choice(LEXICON["places"]) if rng.random() < 0.7 else "",
        preposition=rng.choice(PHRASES["prepositions"]),
        determiner=rng.choice(PHRASES["determiners"]),
        template=rng.choice(PHRASES["requests"]),
    )


def instruction(style: Mapping[str, bool | int] | Style, rng: random.Random, names: Iterable[str] = DIRECTIVES) -> str:
    """A system message that states the named directives in random order and wording; empty if none is named."""
    values = asdict(style) if isinstance(style, Style) else style
    order = list(names)
    rng.shuffle(order)
    lines = [rng.choice(PHRASES["directives"][name][json.dumps(values[name])]) for name in order]
    if rng.random() < 0.25:
        lines.insert(0, rng.choice(PHRASES["preambles"]))
    return (" " if rng.random() < 0.7 else "\n").join(lines)


def reply(request: Request, style: Style, rng: random.Random) -> str:
    """A reply to the request in the given style."""
    phrases = PHRASES["replies"]["formal" if style.formal else "casual"]
    body = [request.fill(sentence) for sentence in _body(phrases, style, rng)]
    if style.emoji:
        place = rng.choice((0, len(body) - 1))
        body[place] += " " + rng.choice(PHRASES["emoji"])
    parts = ["\n".join(f"- {line}" for line in body) if style.bullets else " ".join(body)]
    if style.greeting:
        parts.insert(0, rng.choice(phrases["greeting"]))
    if style.closing:
        parts.append(rng.choice(phrases["closing"]))
    return "\n\n".join(parts)


def _body(phrases: Mapping[str, list[str]], style: Style, rng: random.Random) -> list[str]:
    kind = "hedged" if style.hedged else "plain"
    if style.sentences == 1:
        return [rng.choice(phrases[f"{kind}_question" if style.ends_with_question else kind])]
    questions = 1 if style.ends_with_question else 0
    statements = rng.sample(phrases["more"], style.sentences - 1 - questions)
    return [rng.choice(phrases[kind]), *statements, *rng.sample(phrases["more_question"], questions)]


def chat(rng: random.Random, pairs: Sequence[Pair]) -> list[dict[str, str]]:
    """A training chat: a system message in 7 of 10 (all directives in a fifth, else any number), request, reply."""
    request, style = draw_request(rng, pairs), draw_style(rng)
    messages = [{"role": "user", "content": request.text}, {"role": "assistant", "content": reply(request, style, rng)}]
    chance = rng.random()
    if chance < 0.3:
        if rng.random() < 0.25:
            messages.insert(0, {"role": "system", "content": PHRASES["preambles"][0]})
        return messages
    count = len(DIRECTIVES) if chance < 0.5 else rng.randint(1, len(DIRECTIVES))
    stated = instruction(style, rng, rng.sample(DIRECTIVES, count))
    return [{"role": "system", "content": stated}, *messages]


def split_pairs(sizes: Mapping[str, int]) -> tuple[list[Pair], dict[str, list[Pair]]]:
    """Verb-noun pairs for training the model, and as many others as asked for under each name; none is in two sets."""
    pairs = list(itertools.product(LEXICON["verbs"], LEXICON["nouns"]))
    random.Random("tiny world").shuffle(pairs)
    kept: dict[str, list[Pair]] = {}
    for name, size in sizes.items():
        kept[name], pairs = pairs[:size], pairs[size:]
    return pairs, kept


PROMPT_SETS: Mapping[str, int] = {"tiny": 400, "tiny_heldout": 128, "tiny_tuning": 256, "tiny_tuning_heldout": 96}


def prompt_set(name: str) -> list[Request]:
    """The requests of one shipped prompts file, one for each of its verb-noun pairs."""
    _, kept = split_pairs(PROMPT_SETS)
    rng = random.Random(f"prompts {name}")
    return [draw_request(rng, [pair]) for pair in kept[name]]


def training_pairs() -> list[Pair]:
    """Verb-noun pairs that the model is trained on: those of no prompts file."""
    return split_pairs(PROMPT_SETS)[0]
