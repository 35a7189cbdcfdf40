"""The brief: one to four pages of instruction that somebody would otherwise paste before every request.

It is Markdown. Each list item is a requirement; a headed section without a list is one too, and so is each paragraph of a
text that has neither. Deeper items belong to the one above them. At a requirement's end, or at the end of a heading for all
below it (sub-headings too), `(nice to have)` or `(out of scope)` says how much it matters, and `[check: max_words=40]` says how
a program can tell whether an answer meets it. The same words stand for the same part of the brief for every model, whatever
its tokens.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from feedback_loop.errors import UsageError
from feedback_loop.records import Message, Prompt, Record
from feedback_loop.run import Run

Mark = Literal["must", "nice", "out"]

Instructions = Sequence[tuple[float | None, str]]
"""Levels and what stands before a request at each; the level is None in a run without a brief."""

PLAIN: Instructions = ((None, ""),)
NAME = "brief.md"
MOST_BYTES = 64 * 1024
"""Ten times what four pages have."""
SUFFIXES: dict[str, Mark] = {"(must have)": "must", "(nice to have)": "nice", "(out of scope)": "out"}
HEADING = re.compile(r"^ {0,3}(?P<level>#{1,6})\s+(?P<title>.*?)\s*#*\s*$")
ITEM = re.compile(r"^(?P<indent>\s*)(?P<marker>[-*+•]|\d+[.)])\s+(?P<rest>\S.*)$")
SUFFIX = re.compile(r"\s*(" + "|".join(re.escape(s) for s in SUFFIXES) + r")\s*$", re.IGNORECASE)
CHECK = re.compile(r"\s*\[check:\s*(?P<name>\w+)\s*(?:=\s*(?P<value>(?:\[[^\]]*\]|[^\[\]])*?))?\s*\]")
NUMBER = re.compile(r"\d+[.)]")
CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
WORD = re.compile(rf"[{CJK}][^\w\s]*|[^\s{CJK}]+")
"""A word ends at a blank; in Chinese and Japanese, each character is one, with the stop after it. Bullets are none."""


class Criterion(Record):
    """How a program tells whether an answer meets a requirement; see docs/checks.md."""

    check: str
    value: Any = True


class Requirement(Record):
    """One thing that the brief asks for."""

    number: int
    """From 1, in the brief's order."""
    section: str
    """The heading above it; empty where there is none."""
    text: str
    """Without its bullet, its mark and its checks."""
    mark: Mark = "must"
    words: int
    """Of `text`."""
    checks: tuple[Criterion, ...] = ()


class Brief(Record):
    """A brief as it was written, and what it asks for."""

    text: str
    requirements: tuple[Requirement, ...]


@dataclass
class Block:
    """Lines of a brief that belong together: a requirement, or what stands between two of them."""

    lines: list[str] = field(default_factory=list)
    section: str = ""
    kind: Literal["heading", "item", "text", "section"] = "text"
    required: bool = False
    """Whether it is a requirement."""
    inherited: Mark | None = None
    """What the headings above say of all below them; the nearest that says something."""
    level: int = 0
    """Of a heading or a headed section: how many `#` it has."""

    @property
    def mark(self) -> Mark:
        """Its own mark, else its headings', else `must`."""
        own = _suffix("\n".join(self.own))
        if own is None and self.kind == "section":
            own = _suffix(self.lines[0])
        return own or self.inherited or "must"

    @property
    def own(self) -> list[str]:
        """Its lines up to the first deeper item: at the end of these stands its mark."""
        deeper = (n for n, line in enumerate(self.lines) if n and self.kind == "item" and ITEM.match(line))
        return self.lines[: next(deeper, None)]


def parse(text: str) -> Brief:
    """A brief and its requirements, numbered from 1."""
    found = [block for block in blocks(text) if block.required]
    return Brief(text=text, requirements=tuple(_requirement(n, b) for n, b in enumerate(found, start=1)))


def in_scope(brief: Brief) -> str:
    """What a model reads of the whole brief: all but what is out of scope, without checks; `(nice to have)` stays."""
    found = [b for b in _without_empty_headings(blocks(brief.text)) if b.kind == "heading" or b.mark != "out"]
    text = _unchecked("\n".join(line for block in found for line in _read(block)))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def instructions(brief: Brief | None, levels: Sequence[float]) -> Instructions:
    """What stands before a request at each of these levels; of no brief, nothing at no level."""
    return PLAIN if brief is None else tuple((level, cut(brief, level)) for level in levels)


def cut(brief: Brief, level: float) -> str:
    """The first ceil(level * words) words of what is in scope, as they are laid out; all at 1, nothing at 0."""
    text = in_scope(brief)
    ends = _ends(text)
    count = math.ceil(round(level * len(ends), 6))
    return text if count >= len(ends) else text[: ends[count - 1]] if count > 0 else ""


def instructed(prompt: Prompt, instruction: str) -> Prompt:
    """The prompt with the instruction as its system message, or before the one it has; the same id."""
    if not instruction:
        return prompt
    first, *others = prompt.prompt
    if first.role != "system":
        first, others = Message(role="system", content=""), list(prompt.prompt)
    content = f"{instruction}\n\n{first.content}".rstrip()
    return prompt.model_copy(update={"prompt": (Message(role="system", content=content), *others)})


def file_of(run: Run) -> Path:
    """Where a run has its brief, if it has one."""
    return run.path / NAME


def load(run: Run) -> Brief | None:
    """The run's brief; None where it has none, UsageError where it was edited into none."""
    file = file_of(run)
    return read(file) if file.exists() else None


def of_round(run: Run, number: int) -> Brief | None:
    """The brief that a round works by: as it was when its prompts were chosen. None where it has none."""
    file = file_of_round(run, number)
    return parse(file.read_text(encoding="utf-8")) if file.exists() else None


def file_of_round(run: Run, number: int) -> Path:
    """Where that lies, if it has one."""
    return run.stage_folder(number, "prompts") / NAME


def read(file: Path) -> Brief:
    """A brief from a file; UsageError in one line where it is not there, too long, no text, empty or has a check unknown."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: cannot read the brief ({error.strerror}). Check the path.") from error
    if len(data) > MOST_BYTES:
        raise UsageError(f"{file}: {len(data)} bytes; a brief has at most {MOST_BYTES}. Shorten it.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: not UTF-8 text ({error.reason}). Save it as UTF-8.") from error
    return valid(text, str(file))


def valid(text: str, where: str) -> Brief:
    """A brief that asks for something by checks that there are; UsageError that begins with `where`."""
    from feedback_loop.simulation.personas import Trait

    if "\0" in text:
        raise UsageError(f"{where}: not text. Write the brief as plain text or Markdown.")
    brief = parse(text.replace("\r\n", "\n"))
    if not brief.requirements:
        raise UsageError(f"{where}: nothing is asked for there. Write what answers should be like, an item a line.")
    if not in_scope(brief):
        raise UsageError(f"{where}: all of it is out of scope. Leave something in.")
    for requirement in brief.requirements:
        for test in requirement.checks:
            try:
                Trait(check=test.check, value=test.value)
            except ValidationError as error:
                said = error.errors()[0]["msg"].removeprefix("Value error, ").rstrip(".")
                raise UsageError(f"{where}: requirement {requirement.number}: {said}. See docs/checks.md.") from error
    return brief


def blocks(text: str) -> list[Block]:
    """The brief's lines in blocks, in order; all lines are in one."""
    found, above = list[Block](), list[tuple[int, Mark | None]]()
    for section in _sections(text):
        head, body = section[:1], section[1:]
        if head[0].kind != "heading":
            head, body = [], section
        inherited = None
        for heading in head:
            while above and above[-1][0] >= heading.level:
                above.pop()
            heading.inherited = above[-1][1] if above else None
            inherited = _suffix(heading.lines[0]) or heading.inherited
            above.append((heading.level, inherited))
        items = any(block.kind == "item" for block in body)
        if head and not items and any(map(_written, body)):
            lines = [line for block in section for line in block.lines]
            found.append(Block(lines, head[0].section, "section", True, head[0].inherited, head[0].level))
            continue
        for block in body:
            block.required = block.kind == "item" or (not items and _written(block))
            block.inherited = inherited
        found += [*head, *body]
    return found


def _sections(text: str) -> Iterator[list[Block]]:
    """Blocks up to the next heading, again and again; what is inside a fence is no structure."""
    section, title, fenced, open_item = list[Block](), "", False, False
    for line in text.split("\n"):
        bare = line.strip()
        structure = not fenced and not bare.startswith("```")
        if bare.startswith("```"):
            fenced = not fenced
        heading, item = (HEADING.match(line), ITEM.match(line)) if structure else (None, None)
        if heading:
            if section:
                yield section
            title = SUFFIX.sub("", heading["title"])
            section, open_item = [Block([line], title, "heading", level=len(heading["level"]))], False
        elif item and (not open_item or len(item["indent"]) < 2):
            section.append(Block([line], title, "item"))
            open_item = True
        elif open_item and (not structure or not bare or line[:1].isspace() or section[-1].lines[-1].strip()):
            section[-1].lines.append(line)
        else:
            last = section[-1] if section else None
            if last is None or last.kind != "text" or (bare and _written(last) and not last.lines[-1].strip()):
                section.append(Block([], title))
            section[-1].lines.append(line)
            open_item = False
    if section:
        yield section


def _written(block: Block) -> bool:
    return any(line.strip() for line in block.lines)


def _without_empty_headings(found: Sequence[Block]) -> list[Block]:
    """The blocks less the headings under which everything is out of scope, or nothing where they themselves are."""
    kept = list[Block]()
    for place, block in enumerate(found):
        below = list[Block]()
        for other in found[place + 1 :]:
            if other.level and other.level <= block.level:
                break
            below.append(other)
        marks = [b.mark for b in below if b.required] or [block.mark]
        if block.kind == "heading" and all(mark == "out" for mark in marks):
            continue
        kept.append(block)
    return kept


def _read(block: Block) -> list[str]:
    """A block's lines as a model reads them: over what is asked for after all, a heading's `(out of scope)` is left out."""
    first, *more = block.lines
    if block.level and _suffix(first) == "out":
        first = SUFFIX.sub("", CHECK.sub("", first).rstrip().rstrip("#").rstrip())
    return [first, *more]


def _unchecked(text: str) -> str:
    return re.sub(r"[ \t]+$", "", CHECK.sub("", text), flags=re.MULTILINE)


def words(text: str) -> int:
    """How many words a text has, as levels count them."""
    return len(_ends(text))


def _ends(text: str) -> list[int]:
    """Where each word of a text ends."""
    return [m.end() for m in WORD.finditer(text) if any(c.isalnum() for c in m[0]) and not NUMBER.fullmatch(m[0])]


def _requirement(number: int, block: Block) -> Requirement:
    own, deeper = list(block.own), block.lines[len(block.own) :]
    if block.kind == "section":
        own = own[1:]
    elif block.kind == "item" and (item := ITEM.match(own[0])):
        own[0] = item["rest"]
    text = "\n".join(own)
    checks = tuple(Criterion(check=m["name"], value=_value(m["value"])) for m in CHECK.finditer(text))
    plain = "\n".join([SUFFIX.sub("", CHECK.sub("", text).rstrip()), *map(_unchecked, deeper)]).strip()
    return Requirement(
        number=number, section=block.section, text=plain, mark=block.mark, words=words(plain), checks=checks
    )


def _suffix(text: str) -> Mark | None:
    """The mark at the end of a text or a heading, its checks apart."""
    found = SUFFIX.search(CHECK.sub("", text).rstrip().rstrip("#").rstrip())
    return SUFFIXES[found[1].casefold()] if found else None


def _value(text: str | None) -> Any:
    """A check's value: JSON where it is that, else the text; true where none is given."""
    if text is None or not text.strip():
        return True
    try:
        return json.loads(text)
    except ValueError:
        return text.strip().strip("'\"")
