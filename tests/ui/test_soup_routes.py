"""The Soup page's routes: the table, the curve, and two cells' answers side by side in an order that only the app knows."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from fastapi.testclient import TestClient

from feedback_loop.soup.advice import WORDS
from feedback_loop.soup.cells import Saying, Soup
from tests.ui.app_parts import CSRF, NO_SOUP, app_of
from tests.ui.soup_parts import CELLS, curve, place, soup, soup_port
from ui.languages import LANGUAGES, words

GAP = re.compile(r"\{\w+\}")
ONE, OTHER = place("none", 0.0, 0), place("bake+dpo", 1.0, 3)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    app, journal = app_of(tmp_path, [], soup=soup_port())
    with TestClient(app, headers=CSRF) as made:
        made.post("/login", data={"name": "anna"})
        yield made
    journal.close()


def look(client: TestClient, one: int = ONE, other: int = OTHER, at: int = 0) -> dict:
    answer = client.get("/api/soup/look", params={"one": one, "other": other, "at": at})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_page_is_sent_the_table_the_curve_and_what_the_brief_that_was_counted_by_asks_for(client: TestClient):
    said = client.get("/api/soup").json()
    assert Soup.model_validate(said["soup"]) == soup()
    assert [row["tokens"] for row in said["curve"]] == [row.tokens for row in curve()]
    assert said["requirements"]["3"] == "Never use exclamation marks."


def test_a_run_that_nobody_asked_says_what_to_type(tmp_path: Path):
    app, journal = app_of(tmp_path, [], soup=replace(NO_SOUP, curve=curve))
    with TestClient(app, headers=CSRF) as client:
        client.post("/login", data={"name": "anna"})
        said = client.get("/api/soup").json()
        assert look(client) == {"of": 0, "same": 0}
    journal.close()
    assert (said["soup"], said["command"], len(said["curve"])) == (None, "feedback-loop soup runs/test", 12)


def test_a_soup_that_is_being_made_is_told_beside_the_last_one(tmp_path: Path):
    app, journal = app_of(tmp_path, [], soup=replace(soup_port(), cooking=lambda: "2026-01-01T12:00:00+00:00"))
    with TestClient(app, headers=CSRF) as client:
        client.post("/login", data={"name": "anna"})
        said = client.get("/api/soup").json()
    journal.close()
    assert (said["cooking"], said["soup"]["round"]) == ("2026-01-01T12:00:00+00:00", 2)


def test_two_answers_come_in_an_order_that_is_drawn_and_told_only_when_it_is_asked_for(client: TestClient):
    orders = set()
    for _ in range(24):
        shown = look(client)
        assert set(shown) == {"id", "of", "same", "request", "answers"}
        told = client.get(f"/api/soup/look/{shown['id']}").json()
        assert [shown["answers"][n]["text"].split()[0] for n in (0, 1)] == [
            f"**{CELLS[told[side]].training}**" for side in ("first", "second")
        ]
        orders.add(told["first"])
    assert orders == {ONE, OTHER}


def test_requests_that_both_answered_alike_are_passed_over(client: TestClient):
    assert (look(client)["request"], look(client)["of"], look(client)["same"]) == ("Question 1? <img src=x>", 5, 1)
    assert look(client, at=4)["request"].startswith("Question 5?")
    assert look(client, at=5) == {"of": 5, "same": 1}
    assert look(client, other=ONE) == {"of": 0, "same": 6}


def test_an_answer_is_safe_html(client: TestClient):
    for answer in look(client)["answers"]:
        assert "<strong>" in answer["html"]
        assert "<script" not in answer["html"]


def test_a_cell_that_is_not_there_and_a_look_that_is_another_persons_are_refused(client: TestClient):
    gone = client.get("/api/soup/look", params={"one": 0, "other": 99})
    assert (gone.status_code, gone.json()) == (404, {"error": "The table was made anew. Reload the page."})
    name = look(client)["id"]
    client.post("/login", data={"name": "ben"})
    assert client.get(f"/api/soup/look/{name}").status_code == 404


def test_strangers_see_nothing(tmp_path: Path):
    app, journal = app_of(tmp_path, [], soup=soup_port())
    for path in ("/api/soup", "/api/soup/look?one=0&other=1", "/api/soup/look/x"):
        assert TestClient(app).get(path).status_code == 401
    journal.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_sentence_of_an_advice_can_be_said_with_what_stands_in_its_gaps(language: str):
    for saying in get_args(Saying):
        text = words(language)[f"soup.said.{saying}"]
        assert isinstance(text, str)
        assert sorted(GAP.findall(text)) == sorted(GAP.findall(WORDS[saying])), saying
