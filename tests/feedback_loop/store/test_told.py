"""What a person hears of the round's count shows no repeat and no check, and claims nothing that is not so."""

import contextlib
from pathlib import Path

import pytest

from feedback_loop.records import Answer, Comparison
from feedback_loop.store.desk import Desk
from feedback_loop.store.journal import Journal
from feedback_loop.store.told import WITHHELD
from tests.feedback_loop.store.samples import check, comparison, repeat

LABELS = [comparison(n) for n in range(30)]
ROUND = [*LABELS, *(repeat(100 + n, of=n) for n in range(3)), check(200), check(201)]
SKIPPED = 7
"""Each seventh comparison that is shown."""
SESSION = list[tuple[str, int, int]]
"""After each comparison: what it was asked for, how many labels there were, how many were told."""


def session(folder: Path, user: str, needed: int) -> SESSION:
    """Somebody goes through all of a round."""
    seen: SESSION = []
    with contextlib.closing(Journal(folder / f"{user}.sqlite")) as journal:
        desk = Desk(lambda: ROUND, journal, lambda: needed, per_comparison=1)
        while shown := desk.next(user):
            skips = len(seen) % SKIPPED == SKIPPED - 1
            desk.vote(user, shown.id, Answer(status="discarded") if skips else Answer(choice="tie"))
            progress = desk.progress(user)
            seen.append((shown.purpose, progress.answered, progress.told))
    return seen


@pytest.mark.parametrize("needed", [12, 30, 60])
def test_the_count_goes_up_alike_whatever_each_answer_was(tmp_path: Path, needed: int):
    sessions = [session(tmp_path, f"user-{n}", needed) for n in range(8)]
    whole = min(len(seen) for seen in sessions)
    for place in range(whole - 1):
        counts = {seen[place][2] for seen in sessions if seen[place][2] < needed - 1}
        assert len(counts) <= 1, f"after {place + 1} answers"
    purposes = {seen[place][0] for place in range(whole) for seen in sessions}
    assert purposes == {"label", "repeat", "check"}
    assert any(len({seen[place][0] for seen in sessions}) > 1 for place in range(whole)), "places tell nothing either"


@pytest.mark.parametrize("needed", [12, 24])
def test_enough_is_never_said_too_early_nor_much_too_late(tmp_path: Path, needed: int):
    late = set()
    for n in range(12):
        seen = session(tmp_path, f"user-{n}", needed)
        true = next(place for place, (_, answered, _) in enumerate(seen) if answered >= needed)
        said = next(place for place, (_, _, told) in enumerate(seen) if told >= needed)
        assert seen[said][1] >= needed
        assert seen[min(true + WITHHELD + 4, len(seen) - 1)][2] >= needed
        assert true <= said
        late.add(said - true)
    assert len(late) > 1, "the answer that filled it cannot be counted back to"


def test_others_count_as_they_are_and_without_repeats_and_checks_so_do_ones_own(tmp_path: Path):
    with contextlib.closing(Journal(tmp_path / "journal.sqlite")) as journal:
        asked: list[Comparison] = list(LABELS)
        desk = Desk(lambda: asked, journal, lambda: 12, per_comparison=1)
        for n in range(12):
            desk.vote("anna", f"c{n}", Answer(choice="tie"))
            assert desk.progress("anna").told == n + 1
        assert desk.progress("anna").told == desk.progress("ida").told == 12
        asked += ROUND[len(LABELS) :]
        assert desk.progress("ida").told == 12


def test_undoing_and_answering_again_or_otherwise_shows_nothing(tmp_path: Path):
    with contextlib.closing(Journal(tmp_path / "journal.sqlite")) as journal:
        desk = Desk(lambda: ROUND, journal, lambda: 30, per_comparison=1)
        before = 0
        while shown := desk.next("anna"):
            desk.vote("anna", shown.id, Answer(choice="tie"))
            after = desk.progress("anna").told
            desk.vote("anna", shown.id, Answer(choice="neither"), revise=True)
            assert desk.progress("anna").told == after
            for standing in (after, before):  # the change is taken back, then the answer
                assert desk.undo("anna") == shown
                assert desk.progress("anna").told == standing
            desk.vote("anna", shown.id, Answer(choice="tie"))
            assert desk.progress("anna").told == after
            before = after
        assert before == 30
