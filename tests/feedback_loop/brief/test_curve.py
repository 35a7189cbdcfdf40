"""The half-a-word curve: who wins how surely at which level, and how many tokens that leaves as needed."""

from pathlib import Path

import pytest

from feedback_loop.brief.brief import parse
from feedback_loop.brief.curve import Needed, Row, by_reward, by_worth, needed, rated, requirements, votes
from feedback_loop.brief.curve_text import as_text, countable, said
from feedback_loop.evaluate import wilson
from feedback_loop.records import Comparison, Completion, Message, Prompt, Ranking

PROMPT = Prompt(id="p", prompt=(Message(role="user", content="How?"),))


def row(tokens: int, win_rate: float, low: float, high: float, policy: str = "round-000") -> Row:
    return Row(
        policy=policy, level=tokens / 40, tokens=tokens, win_rate=win_rate, low=low, high=high, judge="utility", answers=32
    )  # fmt: skip


def answer(name: str, level: float | None, policy: str = "base", text: str = "") -> Completion:
    return Completion(id=name, prompt_id="p", completion=text or name, policy=policy, seed=0, level=level)


def test_the_fewest_tokens_that_match_and_those_that_may_and_surely_do():
    rows = [row(40, 0.6, 0.5, 0.7), row(20, 0.5, 0.4, 0.6), row(4, 0.4, 0.3, 0.5), row(0, 0.2, 0.1, 0.3)]
    assert needed(rows) == Needed(policy="round-000", tokens=20, low=4, high=40, of=40, judge="utility")
    assert needed([]) is None


def test_a_policy_that_nothing_helps_needs_more_than_the_whole_brief():
    found = needed([row(40, 0.3, 0.2, 0.4), row(0, 0.1, 0.0, 0.2)])
    assert found is not None
    assert (found.tokens, found.low, found.high) == (None, None, None)
    assert said(found) == "round-000: more than the whole brief (40), by utility"


def test_where_nothing_surely_suffices_the_interval_is_open():
    found = needed([row(40, 0.5, 0.4, 0.6), row(0, 0.46, 0.3, 0.6)])
    assert found is not None
    assert said(found) == "round-000: 0 of 40 (perhaps 0, none surely), by utility"


def test_the_headline_names_who_judged_the_rows_that_decide_it():
    bare, part = row(0, 0.2, 0.1, 0.3), row(20, 0.6, 0.5, 0.7)
    people, reward = ({"judge": judge} for judge in ("people", "reward model"))
    full = row(40, 0.5, 0.5, 0.5, "base").model_copy(update={"judge": "reward model"})

    def judge(*rows: Row) -> str:
        found = needed(rows)
        assert found is not None
        return found.judge

    assert judge(bare.model_copy(update=people), part.model_copy(update=people)) == "people"
    assert judge(bare.model_copy(update=people), part.model_copy(update=reward)) == "mixed"
    enough = row(0, 0.6, 0.5, 0.7).model_copy(update=people)
    assert judge(enough, part.model_copy(update=reward)) == "people", "what comes after the row that surely suffices"
    perhaps = row(0, 0.6, 0.4, 0.7).model_copy(update=people)
    assert judge(perhaps, part.model_copy(update=reward)) == "mixed", "which part surely suffices"
    base = row(0, 0.2, 0.1, 0.3, "base").model_copy(update=people)
    assert judge(base, full) == "people", "against itself nobody judges"
    found = needed([bare.model_copy(update=people), part.model_copy(update=reward)])
    assert found is not None
    assert said(found) == "round-000: 20 of 20 (perhaps 20, surely 20), by people and the reward model"


def test_where_requirements_cannot_be_counted_the_curve_says_so_and_what_to_type():
    def told(text: str) -> str:
        return countable(parse(text), Path("mine"))

    assert told("- Be kind.\n- No emoji.\n- End with a question.\n- Jokes. (out of scope)\n") == (
        "0 of 3 requirements can be counted; 2, 3 could be: feedback-loop brief mine --check 2,3"
    )
    assert told("- Be kind.\n- No emoji. [check: emoji=false]\n").startswith(
        "1 of 2 requirements can be counted; where a check"
    )
    assert told("- No emoji. [check: emoji=false]\n") == ""
    assert countable(None, Path("mine")) == ""


def test_members_who_agree_leave_the_chance_of_the_prompts_and_those_who_do_not_widen_it():
    full = [[0.0, 0.0]] * 20
    agree = [[1.0, 1.0]] * 10 + [[-1.0, -1.0]] * 10
    rate, low, high = by_reward(agree, full)
    assert (rate, low, high) == pytest.approx(by_worth([row[0] for row in agree], [0.0] * 20))
    assert 0.3 < low < rate == 0.5 < high < 0.7
    assert by_reward([[1.0, -1.0]] * 20, full) == (0.5, 0.0, 1.0), "each is sure, and of the opposite"


def test_without_ties_the_interval_is_wilsons_and_with_them_it_is_narrower_but_never_nothing():
    plain = [1.0] * 8 + [0.0] * 24
    assert rated(plain) == pytest.approx((0.25, *wilson(8, 32)))
    widths = [high - low for _, low, high in map(rated, (plain, [0.5] * 24 + [1.0] * 4 + [0.0] * 4, [0.5] * 32))]
    assert widths[0] > widths[1] > widths[2] > 0.05
    assert rated([0.0] * 32)[1:] == pytest.approx(wilson(0, 32))


def test_equal_worth_counts_half():
    assert by_worth([1.0, 0.5, 0.2], [0.5, 0.5, 0.5])[0] == 0.5


def compared(name: str, *answers: Completion, **more: object) -> Comparison:
    return Comparison(id=name, round=0, prompt=PROMPT, completions=answers, **more)  # type: ignore[arg-type]


def test_people_judge_by_what_they_said_of_the_very_same_pair():
    full, bare = answer("full", 1.0), answer("bare", 0.0)
    pair = {"full": 0.0, "bare": 1.0, "tie": 0.5, "neither": 0.5}
    comparisons = [
        *(compared(choice, *((full, bare) if n % 2 else (bare, full))) for n, choice in enumerate(pair)),
        compared("hard", full, bare, selection="uncertainty"),
        compared("again", full, bare, purpose="repeat", repeat_of="full"),
        compared("other", full, answer("later", 0.0, "round-000")),
        compared("without a brief", answer("x", None), answer("y", None)),
        compared("skipped", full, bare),
    ]
    rankings = [
        Ranking(comparison_id=c.id, user_id="anna", choice=c.id if c.id in pair else "full", created_at="2026-11-28")
        for c in comparisons[:-1]
    ]
    rankings.append(Ranking(comparison_id="skipped", user_id="anna", status="discarded", created_at="2026-11-28"))
    assert votes(comparisons, rankings, "base", 0.0, "base") == {PROMPT.id: list(pair.values())}
    assert votes(comparisons, rankings, "round-000", 0.0, "base") == {PROMPT.id: [0.0]}
    assert votes(comparisons, rankings, "base", 0.5, "base") == {}


def test_of_several_answers_the_places_count_and_a_ranking_is_one_point():
    shown = [answer(name, level) for name, level in (("a", 1.0), ("b", 0.0), ("c", 0.0), ("d", 1.0))]

    def said(choice: str, *groups: tuple[str, ...]) -> dict[str, list[float]]:
        given = Ranking(comparison_id="c", user_id="anna", choice=choice, order=groups, created_at="2026-11-28")
        return votes([compared("c", *shown)], [given], "base", 0.0, "base")

    assert said("b", ("b",), ("a", "c"), ("d",)) == {PROMPT.id: [(1 + 1 + 0.5 + 1) / 4]}
    assert said("b") == {PROMPT.id: [1.0]}, "of the others the choice alone says nothing"


def test_a_requirement_is_met_by_the_answers_that_pass_all_its_checks():
    brief = parse(
        "- Short [check: max_words=2] [check: bullets=false]\n- Kind\n- Formal [check: formal] (out of scope)\n"
    )
    made = [
        answer("one", 0.0, text="Two words"),
        answer("two", 0.0, text="- Two"),
        answer("three", 0.0, text="Now three words"),
    ]
    (found,) = requirements(brief, [PROMPT] * 3, made)
    assert (found.number, found.text, found.share) == (1, "Short", 1 / 3)
    assert 0 < found.low < 1 / 3 < found.high < 1


def test_the_table_says_who_judged_what_is_met_unasked_and_the_headline():
    brief = parse("- Short [check: max_words=2]\n")
    met = requirements(brief, [PROMPT], [answer("one", 0.0, text="Two words")])
    rows = [r.model_copy(update={"requirements": met}) for r in (row(40, 0.5, 0.5, 0.5, "base"), row(0, 0.5, 0.4, 0.6))]
    text = as_text(rows)
    assert "round-000     0%       0   50% (40% to 60%, 32 by utility)" in text
    assert "  1  Short\n     base at 100%: 100% (27% to 100%)\n     round-000 at 0%: 100% (27% to 100%)" in text
    assert text.endswith(
        "  base: 40 of 40 (perhaps 40, surely 40), by utility\n  round-000: 0 of 0 (perhaps 0, none surely), by utility"
    )


def test_what_was_measured_under_another_brief_is_marked_and_its_requirements_keep_their_words():
    made = [answer("one", 0.0, text="Yes it is.")]
    first, then = ("- Short [check: max_words=9]\n", "- Asks [check: ends_with_question]\n")
    before, after = (requirements(parse(text), [PROMPT], made) for text in (first + then, then + first))
    rows = [
        row(40, 0.5, 0.5, 0.5, "base").model_copy(update={"requirements": after}),
        row(0, 0.5, 0.4, 0.6).model_copy(update={"requirements": before, "other_brief": True}),
        row(0, 0.5, 0.4, 0.6, "round-001").model_copy(update={"requirements": after}),
    ]
    text = as_text(rows)
    assert "\nround-000*     0%  " in text
    assert "\nround-001      0%  " in text
    assert "\n* under another brief, against the base with all of that one\n" in text
    assert (
        "  1  Asks\n     base at 100%: 0% (0% to 73%)\n     round-000* at 0%: 0% (0% to 73%)\n     round-001 at 0%: 0%"
        in text
    )
    assert "  2  Short\n     base at 100%: 100% (27% to 100%)\n     round-000* at 0%: 100%" in text
    assert "\n  round-000*: 0 of 0" in text


def test_rows_of_an_older_version_still_open():
    old = row(0, 0.5, 0.4, 0.6).model_dump(exclude={"other_brief"})
    old["requirements"] = [{"number": 1, "share": 0.5, "low": 0.3, "high": 0.7}]
    found = Row.model_validate(old)
    assert (found.other_brief, found.requirements[0].text) == (False, "")
