"""What people want, from what they chose and rewrote: known personas' wishes, with thresholds, evidence and examples."""

from feedback_loop.brief.brief import parse
from feedback_loop.intent.inference import infer
from feedback_loop.intent.profile import Proposal, Quote
from feedback_loop.records import Preference
from feedback_loop.simulation.personas import Annotator, find
from tests.feedback_loop.taught.test_taught import pair
from tests.feedback_loop.taught_parts import labels


def proposed(pairs: list[Preference], brief: str = "") -> dict[str, Proposal]:
    return {p.key: p for p in infer(pairs, [], parse(brief) if brief else None, 0)[0]}


def test_a_personas_wishes_are_proposed_with_their_checks():
    found = proposed(labels(find("butler"), 250))
    assert {p.text for p in found.values() if p.confidence == "likely"} == {
        "Start with a greeting. [check: greeting]",
        "Close with a farewell. [check: closing]",
        "Be formal. [check: formal]",
        "Use no emoji. [check: emoji=false]",
    }


def test_a_limit_is_learned_from_what_was_chosen():
    pairs = [pair(n, "word " * (4 + n % 11), "word " * (12 + n % 7)) for n in range(40)]
    limit = proposed(pairs)["max_words"]
    assert 10 <= limit.wish.value <= 15
    assert limit.text == f"Write at most {limit.wish.value} words. [check: max_words={limit.wish.value}]"


def test_a_limit_says_which_others_explain_the_choices_as_well():
    unsteady = find("concise").model_copy(update={"annotator": Annotator(mistake=0.15)})
    limit = proposed(labels(unsteady, 160))["max_words"]
    low, high = limit.evidence.low, limit.evidence.high
    assert low is not None
    assert high is not None
    assert low <= limit.wish.value <= high


def test_evidence_counts_choices_and_edits_apart_and_names_the_labels():
    pairs = [pair(n, f"Do {n}.", f"Do {n} now! 🎉") for n in range(20)]
    pairs += [pair(n, f"Do {n} now! 🎉", f"Do {n}.") for n in range(20, 24)]
    pairs += [pair(n, f"Wipe {n}.", f"Wipe {n}. 🎉", source="edit") for n in range(30, 35)]
    found = {w: p for p in proposed(pairs).values() for w in (p.wish.name,)}
    wish = found.get("emoji.no") or found["exclamation.no"]
    e = wish.evidence
    assert (e.agree, e.against) == (20, 4)
    assert (e.edits_agree, e.edits_against) == ((5, 0) if wish.wish.name == "emoji.no" else (0, 0))
    assert set(e.labels_against) == {f"c{n}@anna" for n in range(20, 24)}
    assert "c3@anna" in e.labels
    assert e.chosen > e.rejected
    assert wish.example is not None
    assert "!" not in wish.example.chosen


def test_a_wish_that_another_outweighs_is_counted_where_the_answers_are_alike_in_the_other():
    """Emoji come with what is wanted more; only between answers that both greet, or both do not, they are turned down."""
    pairs = [pair(n, f"Hello! Do {n}. 🎉", f"Do {n}.") for n in range(16)]
    pairs += [pair(n, f"Hello! Do {n}.", f"Do {n}.") for n in range(20, 44)]
    pairs += [pair(n, f"Do {n}.", f"Do {n}. 🎉") for n in range(50, 64)]
    e = proposed(pairs)["emoji.no"].evidence
    assert (e.agree, e.against) == (14, 16)
    assert (e.alike_agree, e.alike_against) == (14, 0)


def test_a_wish_alone_is_not_counted_twice():
    e = proposed([pair(n, f"Do {n}.", f"Do {n}. 🎉") for n in range(20)])["emoji.no"].evidence
    assert (e.agree, e.alike_agree, e.alike_against) == (20, 0, 0)


def test_edits_alone_are_evidence():
    pairs = [pair(n, f"Wipe item {n}.", f"Wipe item {n}. 🎉", source="edit") for n in range(12)]
    emoji = proposed(pairs)["emoji.no"]
    assert (emoji.evidence.agree, emoji.evidence.edits_agree) == (0, 12)
    assert emoji.confidence == "likely"


def test_what_the_brief_asks_for_is_not_proposed_but_judged():
    pairs = labels(find("butler"), 250)
    brief = "- Add an emoji. [check: emoji]\n- Greet. [check: greeting]\n- Be kind."
    found, standings = infer(pairs, [], parse(brief), 0)
    assert not {"emoji.no", "emoji.yes", "greeting.yes"} & {p.key for p in found}
    assert [(s.number, s.verdict) for s in standings] == [(1, "against"), (2, "borne out")]


def test_ties_and_few_choices_say_nothing():
    assert infer([pair(1, "A.", "B. 🎉", tie=True)], [], None, 0) == ([], [])
    assert infer(labels(find("butler"), 4), [], None, 0)[0] == []


def test_what_no_program_can_check_is_proposed_without_a_check():
    pairs = [pair(n, f"For example, item {n} and more.", f"Take item {n} and more so.") for n in range(30)]
    found = proposed(pairs)
    assert any(p.wish.check is None and "[check" not in p.text for p in found.values())


def test_recurring_words_of_comments_stand_as_they_were_written():
    quotes = [
        Quote(label=f"c{n}@anna", text=text) for n, text in enumerate(["Too long!", "far too long", "too LONG", "ok"])
    ]
    found = infer([], quotes, None, 0)[0]
    assert [(p.wish.phrase, p.confidence, p.text) for p in found] == [("too long", "quoted", "")]
    assert [q.text for q in found[0].quotes] == ["Too long!", "far too long", "too LONG"]
