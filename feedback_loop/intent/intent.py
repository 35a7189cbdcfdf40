"""The intent profile of a run: what its labels say that people want, and what somebody decided about it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from feedback_loop import compare, labels
from feedback_loop.brief.brief import CHECK, Brief, file_of, load, parse
from feedback_loop.brief.brief_edits import extend
from feedback_loop.durable import make_folder, write_text
from feedback_loop.errors import UsageError
from feedback_loop.intent import choosing, comments, inference, sentences, wishes
from feedback_loop.intent.profile import Decided, Profile, Proposal, Quote
from feedback_loop.intent.sentences import line
from feedback_loop.labels import Said
from feedback_loop.preferences import preferences
from feedback_loop.records import Preference, now
from feedback_loop.run import Run, read_record
from feedback_loop.simulation import checks
from feedback_loop.taught import traits

LONGEST = 1000
"""Characters of a line for the brief."""
WAYS = (checks, choosing, comments, compare, inference, sentences, traits, wishes)
"""What the profile is computed by: when these change, it is computed anew."""


def profile(run: Run) -> Profile:
    """What the labels say so far, and what was decided about it.

    Labels are those of snapshots: a profile that moved with each vote would tell an annotator which answers were repeats.
    What was accepted counts as long as it is in the brief; taken out of it or put otherwise there, it is proposed again.
    """
    brief = load(run)
    found, known = _inferred(run), {d.key: d for d in decisions(run)}
    known = {key: d for key, d in known.items() if d.state == "dismissed" or _stands(brief, d.text)}
    shown = [_with(p, known.get(p.key)) for p in found.proposals]
    there = {p.key for p in shown}
    shown += [_remembered(d) for d in known.values() if d.key not in there]
    order = {"proposed": 0, "accepted": 1, "dismissed": 2}
    numbered = enumerate(sorted(shown, key=lambda p: order[p.state]), start=1)
    return found.model_copy(update={"proposals": tuple(p.model_copy(update={"number": n}) for n, p in numbered)})


def decisions(run: Run) -> list[Decided]:
    """All that was decided, the oldest first."""
    return [read_record(file, Decided) for file in sorted((run.path / "intent").glob("*.json"))]


def named(found: Profile, number: int) -> Proposal:
    """The proposal of that number; UsageError where there is none."""
    for proposal in found.proposals:
        if proposal.number == number:
            return proposal
    raise UsageError(f"No proposal {number}: there are {len(found.proposals)}. List them: feedback-loop intent RUN")


def of(run: Run, key: str) -> Proposal:
    """The proposal of that key; UsageError where there is none any more."""
    for proposal in profile(run).proposals:
        if proposal.key == key:
            return proposal
    raise UsageError(f"{key}: not proposed any more. List what is: feedback-loop intent {run.path}")


def accept(run: Run, proposal: Proposal, text: str, who: str) -> str:
    """Put a proposal into the brief as `text`, or as it is proposed where that is empty; the line as it stands there now."""
    said = " ".join(text.split()) or proposal.text
    if proposal.state == "accepted":
        raise UsageError(
            f"{proposal.key}: accepted already. Change it in the brief: feedback-loop brief {run.path} --edit FILE"
        )
    if not CHECK.sub("", said).strip():
        raise UsageError(f'“{proposal.wish.phrase}” are people\'s words. Say what you make of them: --text "..."')
    if len(said) > LONGEST:
        raise UsageError(f"{len(said)} characters; a line of the brief has at most {LONGEST}. Shorten it.")
    extend(run, said, who, f"intent: {proposal.key}")
    _decide(run, proposal, "accepted", said, who)
    return said


def dismiss(run: Run, proposal: Proposal, who: str) -> None:
    """Let a proposal not come again. What is in the brief stays there."""
    if proposal.state == "accepted":
        raise UsageError(
            f"{proposal.key}: it is in the brief. Take it out there: feedback-loop brief {run.path} --edit FILE"
        )
    _decide(run, proposal, "dismissed", proposal.text, who)


def worded(proposal: Proposal, text: str) -> str:
    """Other words for a proposal; its check goes with them, unless they hold one, or leave out the number that it counts to."""
    wish = proposal.wish
    if not text or (type(wish.value) is int and str(wish.value) not in text):
        return text
    return line(wish, text)


def _decide(run: Run, proposal: Proposal, state: Literal["accepted", "dismissed"], text: str, who: str) -> None:
    folder = run.path / "intent"
    make_folder(folder)
    record = Decided(
        key=proposal.key, state=state, wish=proposal.wish, text=text, evidence=proposal.evidence, by=who, at=now()
    )  # fmt: skip
    write_text(folder / f"{len(list(folder.glob('*.json'))):03d}.json", record.model_dump_json(indent=2) + "\n")


def _stands(brief: Brief | None, line: str) -> bool:
    """Whether a line that was put into the brief is still there, whatever its mark and its checks have become."""
    asked = [" ".join(r.text.split()) for r in (brief.requirements if brief else ())]
    return any(" ".join(r.text.split()) in asked for r in parse(f"- {line}").requirements)


def _with(proposal: Proposal, decided: Decided | None) -> Proposal:
    if decided is None:
        return proposal
    text = decided.text if decided.state == "accepted" else proposal.text
    return proposal.model_copy(update={"state": decided.state, "text": text, "decided": decided})


def _remembered(decided: Decided) -> Proposal:
    """What was decided of something that the labels do not show any more, or that the brief has now."""
    return Proposal(
        number=0, key=decided.key, wish=decided.wish, state=decided.state, confidence="perhaps", text=decided.text,
        evidence=decided.evidence, decided=decided,
    )  # fmt: skip


def _inferred(run: Run) -> Profile:
    """The profile without decisions; kept in the run's cache."""
    rounds = run.rounds()
    said = labels.learned(run, rounds[-1] + 1) if rounds else []
    pairs, quotes = _pairs(said), _quotes(said)
    file = run.cache / f"intent-{_key(run, pairs, quotes)}.json"
    if file.exists():
        return read_record(file, Profile)
    brief: Brief | None = load(run)
    proposals, standings = inference.infer(pairs, quotes, brief, run.seed(0, "intent"))
    found = Profile(
        labels=len(labels.counting(said)),
        choices=sum(not p.tie and p.source == "ranking" for p in pairs),
        edits=len({inference.label(p) for p in pairs if p.source == "edit"}),
        comments=len(quotes),
        proposals=tuple(proposals),
        brief=tuple(standings),
    )
    run.cache.mkdir(exist_ok=True)
    write_text(file, found.model_dump_json() + "\n")
    return found


def _pairs(said: Sequence[Said]) -> list[Preference]:
    return [pair for one in said for pair in preferences(one.comparisons, one.rankings)]


def _quotes(said: Sequence[Said]) -> list[Quote]:
    given = [r for one in said for r in one.rankings if (r.comment or "").strip()]
    return [Quote(label=r.label, text=(r.comment or "").strip()) for r in given]


def _key(run: Run, pairs: Sequence[Preference], quotes: Sequence[Quote]) -> str:
    """Hash of all that the profile hangs on."""
    digest = hashlib.sha256()
    for record in (*pairs, *quotes):
        digest.update(record.model_dump_json().encode())
    files = [file_of(run), traits.FILE, comments.FILE, Path(__file__), *(Path(m.__file__ or "") for m in WAYS)]
    for file in files:
        digest.update(file.read_bytes() if file.exists() else b"-")
    digest.update(str(run.recipe.seed).encode())
    return digest.hexdigest()[:16]
