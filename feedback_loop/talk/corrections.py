"""What somebody corrects in a chat, kept with their consent: a comparison like others, through the same door.

It is a batch of its own beside the open round's comparisons (`2-comparisons.chat-001`), so it is committed, traced, discarded and
set aside as those are, and their answer is a vote in the journal, a label in Argilla, and a ranking of the round. Its
`selection` is "chat": it is learned from like others, but nobody drew it, so it measures no reward model.
"""

from collections.abc import Callable

from feedback_loop import locks
from feedback_loop.asking import asked
from feedback_loop.errors import UsageError
from feedback_loop.lineage import open_round
from feedback_loop.records import Answer, Comparison, Completion, Prompt, Ranking
from feedback_loop.run import Run, commit, write_jsonl
from feedback_loop.stages.beside import identity
from feedback_loop.store.validity import check_answer
from feedback_loop.talk.talking import Correction

Vote = Callable[[str, str, Answer], Ranking]
"""The desk's: (user, comparison's id, answer)."""
LATER = "Corrections are kept while a round is ranked. Keep this one when that is so again: copy your text, it is not stored"


def possible(run: Run) -> bool:
    """Whether a correction could be kept at the moment."""
    with locks.standing_by(run) as free:
        return free and _ranked(run, open_round(run))


def keep(run: Run, vote: Vote, user: str, correction: Correction) -> Comparison:
    """Add a correction to the open round and store what the person said of it, durably.

    UsageError, with nothing stored, where it does not hang together or where no round is ranked at the moment.
    """
    number = open_round(run)
    comparison = comparison_of(run, number, correction)
    answer = answer_of(comparison, correction)
    check_answer(comparison, answer)
    with locks.standing_by(run) as free:
        if not (free and _ranked(run, number)):
            raise UsageError(LATER)
        if comparison.id not in {c.id for c in asked.asked(run, number)}:
            _commit(run, number, comparison)
        vote(user, comparison.id, answer)
    return comparison


def comparison_of(run: Run, number: int, correction: Correction) -> Comparison:
    """The two answers as a comparison of that round. The request is the chat without the brief, which stands in `level`."""
    ask = correction.ask
    content = identity(number, 0, Prompt(id="chat", prompt=ask.messages), (), "label").rpartition("-")[2]
    prompt = Prompt(id=f"chat-{content}", prompt=ask.messages)
    level = ask.level if (run.path / "brief.md").exists() else None
    answers = tuple(
        Completion(
            id=f"{ask.policy}-{prompt.id}-{seed:x}-{place}",
            prompt_id=prompt.id,
            completion=text,
            policy=ask.policy,
            seed=seed,
            level=level,
        )
        for place, (text, seed) in enumerate(zip(correction.answers, correction.seeds, strict=True))
    )
    name = identity(number, 0, prompt, answers, "label")
    return Comparison(id=name, round=number, prompt=prompt, completions=answers, selection="chat")


def answer_of(comparison: Comparison, correction: Correction) -> Answer:
    """What the person said; an edit that changes nothing is none."""
    shown = [c.id for c in comparison.completions]
    places = {"first": shown[0], "second": shown[1]}
    edit = correction.edit.strip()
    edited = bool(edit) and edit != correction.answers[correction.corrected].strip()
    return Answer(
        choice=places.get(correction.choice, correction.choice),
        edit=edit if edited else None,
        edit_of=shown[correction.corrected] if edited else None,
    )


def _ranked(run: Run, number: int) -> bool:
    return run.done(number, "comparisons") and not run.done(number, "rankings")


def _commit(run: Run, number: int, comparison: Comparison) -> None:
    last = max((int(n.rpartition("-")[2]) for n in run.batches(number) if ".chat-" in n), default=0)
    with commit(run, number, f"comparisons.chat-{last + 1:03d}") as draft:
        write_jsonl(draft.path / "comparisons.jsonl", [comparison])
        draft.facts |= {"policy": comparison.completions[0].policy, "prompts": 0, "comparisons": 1, "answers": 2}
        draft.facts["selections"] = {"chat": 1}
