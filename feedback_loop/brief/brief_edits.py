"""Changing a run's brief: marks, order, a new text. Every earlier version stays on record in `RUN/briefs`."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from feedback_loop.brief.brief import ITEM, SUFFIXES, Block, Brief, Mark, blocks, file_of, parse, read, valid
from feedback_loop.brief.brief_checks import proposed, written
from feedback_loop.brief.brief_tokens import check_room
from feedback_loop.durable import make_folder, write_text
from feedback_loop.errors import UsageError
from feedback_loop.lineage import open_round
from feedback_loop.records import Prompt, Record, now
from feedback_loop.run import Run, read_jsonl

MARKED = re.compile(rf"\s*(?:{'|'.join(map(re.escape, SUFFIXES))})(?=(?:\s*\[check:[^\n]*\])?\s*$)", re.IGNORECASE)
"""A mark at the end of a line, before the checks or after them."""


ADDED = "Learned from choices"
"""The heading under which a brief with headings takes what is added."""


class Replaced(Record):
    """`RUN/briefs/000.json`: who took the brief of `000.md` out of force, when, and by what."""

    by: str
    at: str
    what: str


def change(run: Run, edit: Path | None, order: str, marks: Sequence[str], checks: str, who: str) -> str:
    """Change a run's brief as the command line says it, in this order: text, marks, checks, order; what that means, in a line.

    Numbers are those of the text before all of it, or of the new text.
    """
    if edit is None and not file_of(run).exists():
        raise UsageError(f"{run.path}: it has no brief. Give it one: feedback-loop brief {run.path} --edit FILE")
    text = read(edit or file_of(run)).text
    text = marked(text, parse_marks(marks))
    text = checked(text, parse_numbers(checks, "--check", "3 or 1,3")) if checks else text
    text = ordered(text, parse_numbers(order, "--order", "2,1,3")) if order else text
    asked = [p for name in ("prompts.jsonl", "heldout.jsonl") for p in read_jsonl(run.path / name, Prompt)]
    check_room(run.recipe, valid(text, str(edit or file_of(run))), asked, str(edit or file_of(run)))
    parts = [f"--edit {edit}" if edit else "", *(f"--mark {m}" for m in marks)]
    parts += [f"--check {checks}" if checks else "", f"--order {order}" if order else ""]
    replace(run, text, who=who, what=" ".join(filter(None, parts)))
    number = open_round(run)
    if not run.done(number, "prompts"):
        return f"Round {number:03d} will work by it."
    return (
        f"Round {number + 1:03d} will work by it; round {number:03d} goes on by the one that it began with. "
        f"To begin it anew: feedback-loop redo {run.path} prompts --round {number}"
    )


def replace(run: Run, text: str, *, who: str, what: str) -> Brief:
    """Put a brief in force from the next round on; UsageError where it asks for nothing.

    The one before is kept first, so that nothing is lost whenever this is cut off.
    """
    brief, file = valid(text, what), file_of(run)
    if file.exists():
        before = file.read_text(encoding="utf-8")
        if before == brief.text:
            return brief
        folder = run.path / "briefs"
        make_folder(folder)
        number = f"{len(list(folder.glob('*.md'))):03d}"
        write_text(folder / f"{number}.md", before)
        record = Replaced(by=who, at=now(), what=what)
        write_text(folder / f"{number}.json", record.model_dump_json(indent=2) + "\n")
    write_text(file, brief.text)
    return brief


def extend(run: Run, item: str, who: str, what: str) -> Brief:
    """Put a brief in force that asks for one thing more; UsageError where that cannot be. Without a brief, one is begun."""
    file = file_of(run)
    text = added(read(file).text if file.exists() else "", item)
    asked = [p for name in ("prompts.jsonl", "heldout.jsonl") for p in read_jsonl(run.path / name, Prompt)]
    check_room(run.recipe, valid(text, what), asked, what)
    return replace(run, text, who=who, what=what)


def added(text: str, item: str) -> str:
    """The brief with one requirement more at its end: all that it asked for stays as it was.

    Under a heading of its own where the brief has headings; else the list's next item, or a paragraph where there is no list.
    """
    found, body = blocks(text), text.rstrip()
    if not body:
        return f"- {item}\n"
    if any(block.kind in ("heading", "section") for block in found):
        own = found[-1].section == ADDED and found[-1].kind == "item" and found[-1].inherited is None
        return f"{body}\n- {item}\n" if own else f"{body}\n\n# {ADDED}\n\n- {item}\n"
    items = [block for block in found if block.kind == "item"]
    if not items:
        return f"{body}\n\n{item}\n"
    marker = re.split(r"(?<=\S)\s", items[-1].lines[0].strip())[0]
    number = re.fullmatch(r"(\d+)([.)])", marker)
    marker = f"{int(number[1]) + 1}{number[2]}" if number else marker
    return f"{body}\n{marker} {item}\n"


def marked(text: str, marks: Mapping[int, Mark]) -> str:
    """The brief with these requirements marked, by their numbers: a suffix that a person could have written.

    The others matter as much as before, also those that stand below a heading which is marked.
    """
    found = blocks(text)
    required = [block for block in found if block.required]
    wanted = [block.mark for block in required]
    for number, mark in marks.items():
        _known(number, len(required))
        _mark(required[number - 1], mark)
        wanted[number - 1] = mark
    return _settled(_joined(found), wanted)


def checked(text: str, numbers: Sequence[int]) -> str:
    """The brief with the checks that are proposed for these requirements; UsageError where none is."""
    found, asked = blocks(text), parse(text).requirements
    required = [block for block in found if block.required]
    for number in dict.fromkeys(numbers):
        _known(number, len(required))
        checks = proposed(asked[number - 1])
        if not checks:
            raise UsageError(
                f"--check {number}: no check is proposed for requirement {number}. Write one in the text itself, by --edit; "
                "docs/checks.md lists them."
            )
        own = required[number - 1].own
        last = max(n for n, line in enumerate(own) if line.strip())
        required[number - 1].lines[last] = " ".join([own[last].rstrip(), *map(written, checks)])
    return _joined(found)


def ordered(text: str, numbers: Sequence[int]) -> str:
    """The brief with these requirements first, in this order, and the others after them; headings and bullets stay in place.

    Each matters as much as before: where the heading that it comes to stand below says otherwise, its own mark is written.
    """
    found = blocks(text)
    required = [block for block in found if block.required]
    for number in numbers:
        _known(number, len(required))
    if len(set(numbers)) < len(numbers):
        raise UsageError("--order: a number stands there twice. Name each requirement once.")
    order = [*numbers, *(n for n in range(1, len(required) + 1) if n not in numbers)]
    parts, marks = [_parts(block) for block in required], [block.mark for block in required]
    for place, (block, number) in enumerate(zip(required, order, strict=True)):
        if required[number - 1].kind != block.kind:
            raise UsageError(
                f"--order: requirement {number} is a {required[number - 1].kind}, and number {place + 1} a {block.kind}. "
                "Move that one in the text itself, by --edit."
            )
        marker, _, blank = parts[place]
        first, *more = parts[number - 1][1]
        block.lines = [marker + first, *more, *blank]
    return _settled(_joined(found), [marks[number - 1] for number in order])


def parse_marks(said: Sequence[str]) -> dict[int, Mark]:
    """`3=nice` and the like; UsageError where it is none."""
    marks: dict[int, Mark] = {}
    for text in said:
        number, _, name = text.partition("=")
        if not number.strip().isdigit() or name.strip() not in SUFFIXES.values():
            raise UsageError(f"--mark {text}: write it as NUMBER=must, NUMBER=nice or NUMBER=out.")
        marks[int(number)] = name.strip()  # type: ignore[assignment]
    return marks


def parse_numbers(said: str, option: str, such: str) -> list[int]:
    """`2,1,3`; UsageError where it is none."""
    numbers = [part.strip() for part in said.split(",")]
    if not all(number.isdigit() for number in numbers):
        raise UsageError(f"{option} {said}: write the requirements' numbers, such as {such}.")
    return [int(number) for number in numbers]


def _settled(text: str, wanted: Sequence[Mark]) -> str:
    """The brief whose requirements matter as `wanted` says, in order; from the top, as headings' marks hold below them."""
    for place, mark in enumerate(wanted):
        found = blocks(text)
        block = [b for b in found if b.required][place]
        if block.mark != mark:
            _mark(block, mark)
            text = _joined(found)
    return text


def _mark(block: Block, mark: Mark) -> None:
    """Write the mark where a person would: at the end of a section's heading, or of what an item says itself."""
    last = max(n for n, line in enumerate(block.own) if line.strip())
    place = 0 if block.kind == "section" else last
    for n in (place, last):
        block.lines[n] = MARKED.sub("", block.lines[n].rstrip())
    if block.mark != mark:
        block.lines[place] += " " + next(text for text, name in SUFFIXES.items() if name == mark)


def _parts(block: Block) -> tuple[str, list[str], list[str]]:
    """A block's bullet, what it says, and the empty lines after it."""
    lines = list(block.lines)
    blank = list[str]()
    while lines and not lines[-1].strip():
        blank.insert(0, lines.pop())
    item = ITEM.match(lines[0]) if block.kind == "item" else None
    marker = lines[0][: item.start("rest")] if item else ""
    return marker, [lines[0][len(marker) :], *lines[1:]], blank


def _known(number: int, count: int) -> None:
    if not 1 <= number <= count:
        raise UsageError(f"No requirement {number}: the brief has 1 to {count}. List them: feedback-loop brief RUN")


def _joined(found: Sequence[Block]) -> str:
    return "\n".join(line for block in found for line in block.lines)
