"""What the loop says of a round is told in the reader's language: every sentence of its own, and no sentence is left over."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from feedback_loop.gate.duels import EXHAUSTED, PASSED
from feedback_loop.gate.forgetting import Check, distances, preferred
from feedback_loop.gate.gate import Duel, stand
from feedback_loop.gate.promote import decide, override
from feedback_loop.recipe import GuardTable, PromotionTable
from feedback_loop.report import alarms
from tests.feedback_loop.gate.test_forgetting import PLAIN, figures, rows
from tests.feedback_loop.gate.test_promote import facts
from tests.feedback_loop.report.test_alarms import length, position, steps
from tests.ui.app_parts import CSRF, app_of, rounds_port
from tests.ui.rounds_parts import alarmed, lessons
from ui.languages import HERE
from ui.told import told

RULE, GUARD = PromotionTable(), GuardTable()


def of_duels() -> Iterator[str]:
    won, drawn, lost = Duel(points=1), Duel(points=0.5), Duel(points=0)
    for rule in (RULE, RULE.model_copy(update={"votes": 0})):
        yield stand([], rule).reason
    yield stand([won, lost] * 2, RULE.model_copy(update={"votes": 4})).reason
    for duels in ([won] * 60, [won, lost] * 2, [won, drawn, lost] * 2, [lost] * 60, [won, lost, drawn] * 200):
        yield stand(duels, RULE).reason
    yield f"{EXHAUSTED}. {stand([won], RULE).reason} {PASSED}."


def of_rules() -> Iterator[str]:
    for rate, kl in ((0.6, 3.0), (0.2, 99.0)):
        yield from decide(1, facts(rate, kl), RULE, None, when="now").reasons
    yield from override(1, facts(), None, promote=True, who="anna", why="I read them. All of them.", when="now").reasons


def of_checks() -> Iterator[Check]:
    yield from distances((1.0, 3.0, 2.0), RULE, GUARD)
    yield from distances((1.0, 99.0, 99.0), RULE, GUARD)
    yield preferred([[1.0, 2.0]] * 9, [[0.0, 1.0]] * 9)
    yield preferred([[0.0, 1.0]] * 9, [[1.0, 2.0]] * 9)
    some = [*figures().losses[:-1], figures().losses[-1] + 5.0]
    for ours in (
        figures(),
        figures(
            [loss + 9 for loss in figures().losses], solved=18, followed=3, texts=["No no no no no no no."] * len(PLAIN)
        ),
        figures(texts=["No."] * len(PLAIN)),
        figures(some, texts=[" ".join([text] * 6) for text in PLAIN]),
    ):
        yield from rows(figures(), ours).values()
    yield from rows(
        figures([12.0] * 8, texts=["Yes."] * 3),
        figures(
            [12.0] * 8,
            texts=["No."] * 3,
        ),
    ).values()
    yield from rows(figures(texts=PLAIN), figures(texts=[PLAIN[0]] * len(PLAIN))).values()
    old = figures()
    old = type(old)(old.losses, old.blind, {}, {}, old.texts)
    yield from rows(old, old).values()


def of_alarms() -> Iterator[str]:
    yield from alarms.of_reward_model(length(0.45, 0.25, 0.6))
    yield from alarms.of_reward_model({**length(0.45, 0.25, 0.6), "longer_share": None})
    everyone = {"position_share": 0.9, "position_low": 0.8, "position_high": 0.95, "position_pairs": 80}
    people = {"anna": position(0.5, 0.4, 0.6), "ben": position(0.15, 0.08, 0.28)}
    yield from alarms.of_reward_model({**everyone, "position_by_annotator": people})
    yield from alarms.of_policy_step(steps([0.1 * n for n in range(12)], [0.4 * n for n in range(12)]))
    judged = {"win_rate_parent": 0.8, "prompts": 64, "parent": "base"}
    then = {"next_round_agreement": {"agreement": 0.4, "pairs": 60}}
    yield from alarms.between_rounds({"accuracy": 0.9, "checked_pairs": 40}, judged, then, kept=True)
    yield from alarms.of_truth(judged, {"win_rate_parent": 0.2})


def everything() -> list[str]:
    said = [*of_duels(), *of_rules(), *(check.reason for check in of_checks()), *of_alarms()]
    return [line.replace(" RUN", " /some where/run") for line in said]


@pytest.mark.parametrize(("language", "letters"), [("ru", "[А-я]"), ("zh", "[\u4e00-\u9fff]")])
def test_whatever_the_loop_says_of_a_round_is_told(language: str, letters: str):
    for line in everything():
        said = told(language, line)
        assert re.search(letters, said), line
        assert "{" not in said


def test_there_is_no_sentence_that_nobody_says():
    """A sentence about a round is among those above; a refusal or a remark is written so in the sources."""
    spoken, written = " ".join(everything()), "\n".join(literals())
    for english in known():
        places = re.split(r"\{\w+\}", english)
        plain = re.escape("{}".join(places).rstrip(".").removesuffix("{}"))
        whole = re.compile(plain + r"(?:\.|$|\{\})" if not english.endswith("}") else plain, re.MULTILINE)
        assert whole.search(written) or re.search(".+?".join(map(re.escape, places)), spoken, re.DOTALL), english


def literals() -> Iterator[str]:
    """Every text in the sources that may say something; a place in an f-string is `{}`."""
    for room in ("feedback_loop", "ui", "policies"):
        for file in sorted((HERE.parent / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    yield "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def known() -> dict[str, dict[str, str]]:
    read: dict[str, dict[str, str]] = json.loads((HERE / "words" / "told.json").read_text(encoding="utf-8"))
    return read


def test_every_place_of_a_sentence_is_filled_in_every_language():
    for english, others in known().items():
        assert sorted(others) == ["ru", "zh"]
        for text in others.values():
            assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", english)), english


def test_figures_are_written_as_the_language_writes_them_and_words_of_people_stay():
    line = "It stands 3.1 nats an answer from the base; within the 30 allowed."
    assert told("ru", line) == "От исходной модели её отделяет 3,1 нат на ответ; допустимо до 30."
    won = "It won 14 of 20 duels and drew 2 (55% to 85%): enough to be sure that it is better."
    assert told("ru", won).startswith("Новая версия выиграла дуэлей: 14 из 20, вничью: 2 (от 55\u00a0% до 85\u00a0%): ")
    assert told("zh", "anna decided: second. And 3.1%!") == "anna 决定：second. And 3.1%!"


def test_a_refusal_comes_in_the_language_of_the_browser(tmp_path: Path):
    app, journal = app_of(tmp_path, [])
    with TestClient(app, headers=CSRF | {"accept-language": "ru"}) as client:
        assert client.get("/api/rounds").json() == {"error": "Сначала войдите."}
        client.post("/login", data={"name": "anna"})
        assert client.post("/api/undo").json() == {"error": "В этом раунде отменять нечего."}
    journal.close()


@pytest.mark.parametrize("line", ["", "Said by an older version.", "They are guessing there. Or so it said once."])
def test_what_is_not_known_is_left_as_it_is(line: str):
    assert told("ru", line) == line


def test_the_rounds_page_is_sent_what_the_record_says_in_the_language_of_the_browser(tmp_path: Path):
    app, journal = app_of(tmp_path, [], rounds=rounds_port(overview=alarmed(), taught=lessons(2)))

    def last(language: str) -> dict[str, Any]:
        answer: dict[str, Any] = client.get("/api/rounds", headers={"accept-language": language}).json()
        return answer["overview"]["rounds"][-1]  # type: ignore[no-any-return]

    with TestClient(app, headers=CSRF) as client:
        client.post("/login", data={"name": "anna"})
        english, russian = last("en"), last("ru-RU,ru;q=0.9")
    journal.close()
    assert english["alarms"] == [*alarmed().rounds[-1].alarms]
    told_anew = [*russian["decision"]["reasons"], *russian["alarms"], *(check["reason"] for check in russian["checks"])]
    assert len(told_anew) == 6
    assert all(re.search("[А-я]", line) for line in told_anew)
