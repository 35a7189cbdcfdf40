"""What is corrected in a chat: a comparison like others, which trains, counts and is traced, and measures nothing."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from feedback_loop import locks
from feedback_loop.asking import asked
from feedback_loop.asking.labelling import open_desk
from feedback_loop.errors import UsageError
from feedback_loop.lineage import current_policy
from feedback_loop.loop import collect
from feedback_loop.records import Answer, Message, Preference
from feedback_loop.repair.trace import trace
from feedback_loop.run import Run, read_jsonl
from feedback_loop.store.desk import AlreadyAnswered, Desk
from feedback_loop.store.journal import Journal
from feedback_loop.talk.corrections import keep, possible
from feedback_loop.talk.talking import Ask, Correction
from reward.calibrate import Checked, figures
from tests.feedback_loop.decided_run import answers, ask, learn, new_run
from tests.feedback_loop.decided_run import asked as own
from tests.feedback_loop.test_loop import Store

CHAT = (
    Message(role="user", content="A door?"),
    Message(role="assistant", content="Which?"),
    Message(role="user", content="Mine."),
)
MINE = "Push it."


def correction(**more) -> Correction:
    given = {"answers": ("Knock.", "Pull."), "seeds": (5, 6), "corrected": 1, "choice": "first", "edit": MINE}
    return Correction(ask=Ask(messages=CHAT, policy="base", seed=6), **given | more)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = new_run(tmp_path / "run")
    ask(made, 0)
    return made


@pytest.fixture
def desk(run: Run) -> Iterator[Desk]:
    with closing(Journal(run.path / "journal.sqlite")) as journal:
        yield open_desk(run, journal)


def test_it_is_a_ranking_of_the_open_round_and_trains_with_it(run: Run, desk: Desk):
    assert desk.progress("anna").answered == 0
    kept = keep(run, desk.vote, "anna", correction())
    assert desk.progress("anna").answered == 1
    assert (kept.selection, kept.purpose, kept.prompt.prompt) == ("chat", "label", CHAT)
    assert run.batches(0) == ["comparisons.chat-001"]
    assert asked.taken(run, 0) == 4, "it takes the place of no prompt"

    for given in answers(0)[:3]:
        desk.vote("anna", given.comparison_id, Answer(choice=given.choice))
    assert collect(run, 0, Store) is None
    learn(run, 0)
    folder = run.stage_folder(0, "preferences")
    pairs = [p for part in ("train", "heldout") for p in read_jsonl(folder / f"{part}.jsonl", Preference)]
    mine = [p for p in pairs if p.comparison_id == kept.id]
    said = {(p.source, p.chosen[0].content, p.rejected[0].content, p.prompt) for p in mine}
    assert said == {
        ("ranking", "Knock.", "Pull.", CHAT),
        ("edit", MINE, "Knock.", CHAT),
        ("edit", MINE, "Pull.", CHAT),
    }
    reached = trace(run, f"{kept.id}@anna").labels[0].reached
    assert current_policy(run) in {place.name for place in reached}


def test_it_measures_no_reward_model():
    def checked(selection: str) -> Checked:
        return Checked(
            margin=1.0, spread=0.0, length_chosen=1, length_rejected=2, user_id="anna", round=0, selection=selection
        )

    assert figures([checked("chat")] * 9, 0.0)["checked_pairs"] == 0
    assert figures([checked("chat")] * 9 + [checked("uncertainty")], 0.0)["checked_pairs"] == 1


def test_the_same_is_kept_once_and_what_does_not_hang_together_not_at_all(run: Run, desk: Desk):
    keep(run, desk.vote, "anna", correction())
    with pytest.raises(AlreadyAnswered):
        keep(run, desk.vote, "anna", correction())
    assert len(asked.asked(run, 0)) == len(own(0)) + 1
    other = keep(run, desk.vote, "anna", correction(answers=("Knock.", "Ring."), edit=" Ring. ", choice="neither"))
    assert run.batches(0) == ["comparisons.chat-001", "comparisons.chat-002"]
    assert desk.history("anna", 1)[0][1].edit is None, "an edit that changes nothing is none"
    assert other.completions[1].completion == "Ring."


def test_nothing_is_kept_while_a_round_is_learned_from_or_judged(run: Run, desk: Desk):
    assert possible(run)
    with locks.lock(run):
        assert not possible(run)
        with pytest.raises(UsageError, match=r"kept while a round is ranked"):
            keep(run, desk.vote, "anna", correction())
    for given in answers(0):
        desk.vote("anna", given.comparison_id, Answer(choice=given.choice))
    assert collect(run, 0, Store) is None
    assert not possible(run)
    with pytest.raises(UsageError, match=r"kept while a round is ranked"):
        keep(run, desk.vote, "anna", correction())
    assert run.batches(0) == []
