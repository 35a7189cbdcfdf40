"""The intent profile of a run: proposed, accepted into the brief, dismissed; on record with who and when."""

import json
from pathlib import Path

import pytest

from feedback_loop.brief.brief import load
from feedback_loop.errors import UsageError
from feedback_loop.intent import intent
from feedback_loop.intent.profile import Decided, Profile, Proposal
from feedback_loop.intent.profile_text import as_text
from feedback_loop.run import Run, read_record
from feedback_loop.simulation.personas import find
from tests.conftest import Cli, one_line
from tests.feedback_loop.decided_run import answers, ask, decided, new_run
from tests.feedback_loop.intent.intent_parts import answered
from tests.feedback_loop.taught_parts import said


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A butler's 128 answers, three of them with a comment."""
    asked, given = said(find("butler"), 128, 3)
    texts = dict(zip((3, 5, 8), ("Too long.", "far too long", "too long again"), strict=True))
    given = [r.model_copy(update={"comment": texts.get(n)}) for n, r in enumerate(given)]
    return answered(tmp_path / "run", asked, given)


def of(found: Profile, key: str) -> Proposal:
    return next(p for p in found.proposals if p.key == key)


def test_a_profile_counts_what_it_rests_on_and_numbers_what_it_proposes(run: Run):
    found = intent.profile(run)
    assert (found.labels, found.comments, found.edits) == (128, 3, 0)
    assert [p.number for p in found.proposals] == list(range(1, len(found.proposals) + 1))
    assert {p.state for p in found.proposals} == {"proposed"}
    assert of(found, "comment:too long").confidence == "quoted"
    assert intent.profile(run) == found


def test_accepting_puts_a_line_with_its_check_into_the_brief_and_on_record(run: Run):
    proposal = of(intent.profile(run), "greeting.yes")
    assert intent.accept(run, proposal, "", "olga") == "Start with a greeting. [check: greeting]"
    brief = load(run)
    assert brief is not None
    assert [(r.text, [c.check for c in r.checks]) for r in brief.requirements] == [
        ("Start with a greeting.", ["greeting"])
    ]
    record = read_record(run.path / "intent" / "000.json", Decided)
    assert (record.key, record.state, record.by, record.evidence) == (
        "greeting.yes",
        "accepted",
        "olga",
        proposal.evidence,
    )
    found = intent.profile(run)
    assert of(found, "greeting.yes").state == "accepted"
    assert [(s.text, s.verdict) for s in found.brief] == [("Start with a greeting.", "borne out")]
    with pytest.raises(UsageError, match="accepted already"):
        intent.accept(run, of(found, "greeting.yes"), "", "olga")


def test_each_acceptance_is_a_version_of_the_brief_with_who_and_what(run: Run):
    for key in ("greeting.yes", "emoji.no"):
        intent.accept(run, of(intent.profile(run), key), "", "olga")
    assert (
        run.path / "brief.md"
    ).read_text() == "- Start with a greeting. [check: greeting]\n- Use no emoji. [check: emoji=false]\n"
    replaced = json.loads((run.path / "briefs" / "000.json").read_text())
    assert (replaced["by"], replaced["what"]) == ("olga", "intent: emoji.no")


def test_peoples_words_need_somebodys_sentence(run: Run):
    words = of(intent.profile(run), "comment:too long")
    with pytest.raises(UsageError, match="Say what you make of them"):
        intent.accept(run, words, "", "olga")
    assert not (run.path / "brief.md").exists()
    assert intent.accept(run, words, "Keep it short.", "olga") == "Keep it short."


def test_what_is_dismissed_stays_dismissed_and_may_be_accepted_after_all(run: Run):
    intent.dismiss(run, of(intent.profile(run), "emoji.no"), "olga")
    found = intent.profile(run)
    dismissed = of(found, "emoji.no")
    assert (dismissed.state, dismissed.decided and dismissed.decided.by) == ("dismissed", "olga")
    assert found.proposals[-1] == dismissed
    intent.accept(run, dismissed, "", "olga")
    assert of(intent.profile(run), "emoji.no").state == "accepted"


def test_what_is_taken_out_of_the_brief_again_is_proposed_again_and_can_be_decided_anew(run: Run):
    for key in ("greeting.yes", "emoji.no"):
        intent.accept(run, of(intent.profile(run), key), "", "olga")
    file = run.path / "brief.md"
    file.write_text("- Be kind.\n- Use no emoji. (nice to have)\n")
    found = intent.profile(run)
    assert of(found, "emoji.no").state == "accepted", "its mark and its check are changed there"
    again = of(found, "greeting.yes")
    assert (again.state, again.text, again.decided) == ("proposed", "Start with a greeting. [check: greeting]", None)
    intent.dismiss(run, again, "olga")
    assert of(intent.profile(run), "greeting.yes").state == "dismissed"
    intent.accept(run, of(intent.profile(run), "greeting.yes"), "", "olga")
    assert file.read_text().endswith("- Start with a greeting. [check: greeting]\n")
    file.unlink()
    assert {p.state for p in intent.profile(run).proposals} == {"proposed"}


def test_other_words_keep_the_check_unless_they_have_one(run: Run):
    greeting = of(intent.profile(run), "greeting.yes")
    assert intent.worded(greeting, "Say hello.") == "Say hello. [check: greeting]"
    assert intent.worded(greeting, "Say hi. [check: starts_with=Hi]") == "Say hi. [check: starts_with=Hi]"
    assert intent.worded(greeting, "") == ""


def test_a_check_that_counts_to_another_number_is_left_out(run: Run):
    proposal = of(intent.profile(run), "greeting.yes")
    wish = proposal.wish.model_copy(update={"name": "max_words", "check": "max_words", "value": 14})
    limit = proposal.model_copy(update={"wish": wish})
    assert intent.worded(limit, "Use 20 words at most.") == "Use 20 words at most."
    assert intent.worded(limit, "Use 14 words at most.") == "Use 14 words at most. [check: max_words=14]"


def test_the_open_rounds_votes_are_not_read(tmp_path: Path):
    run = new_run(tmp_path / "run")
    ask(run, 0)
    assert "Nothing to read yet" in as_text(intent.profile(run), "RUN")
    decided(run, 0, answers(0))
    assert intent.profile(run).labels == 4


def test_a_wish_says_how_people_chose_where_the_answers_are_alike_in_all_else(run: Run):
    found = intent.profile(run)
    greeting = of(found, "greeting.yes")
    plain = greeting.evidence.model_copy(update={"alike_agree": 7, "alike_against": 1})
    said = "where the answers are alike in all else that was found"
    for evidence, there in ((plain, True), (plain.model_copy(update={"alike_agree": 0, "alike_against": 0}), False)):
        one = found.model_copy(update={"proposals": (greeting.model_copy(update={"evidence": evidence}),)})
        assert (f"7 of 8 {said}" in as_text(one, "RUN")) is there


def test_the_command_lists_accepts_and_refuses_what_is_not_there(cli: Cli, run: Run):
    number = of(intent.profile(run), "closing.yes").number
    done = cli("intent", run.path, "--accept", number, "--text", "Say goodbye.")
    assert done.returncode == 0, done.stderr
    assert "In the brief: Say goodbye. [check: closing]" in done.stderr
    assert "What people seem to want" in done.stdout
    assert "Say goodbye.: choices bear it out" in done.stdout
    one_line(cli("intent", run.path, "--accept", 99), 2, "No proposal 99")
