"""What the page is given of a text, and what it asks for later."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.ui.app_parts import CSRF, app_of, comparison
from ui.reading import card, piece, words
from ui.render import MOST


def pieces(text: str) -> list[dict]:
    found = [piece(text)]
    while found[-1]["rest"]:
        found.append(piece(text, found[-1]["rest"]["start"]))
    return found


def test_a_short_text_is_one_piece_and_raw_only_where_it_is_not_what_is_shown():
    shown = card(comparison(1, "One *two*", "a\u202eb"))["answers"]
    assert shown[0] == {"html": "<p>One <em>two</em></p>\n", "text": "One *two*", "words": 2, "rest": None}
    assert shown[1]["text"] == "a[U+202E]b"
    assert shown[1]["raw"] == "a\u202eb"


def test_a_card_tells_nothing_of_who_wrote_it():
    shown = card(comparison(1))
    assert set(shown) == {"id", "prompt", "answers"}
    assert "secret" not in str(shown)
    assert "round-007" not in str(shown)
    assert "0.4321" not in str(shown), "nor under how much of the brief it was written"


@pytest.mark.parametrize("text", ["A sentence of words.\n\n" * 5000, "W" * 100_000, "слово " * 20_000, "字" * 40_000])
def test_a_long_text_comes_in_pieces_that_are_the_whole(text: str):
    found = pieces(text)
    assert "".join(p["text"] for p in found) == text
    assert all(len(p["text"]) <= MOST for p in found)
    assert found[0]["words"] + found[0]["rest"]["words"] == pytest.approx(words(text), abs=1)


def test_a_piece_ends_at_a_paragraph_and_a_code_block_goes_on_in_the_next():
    text = "Before.\n\n```python\n" + "x = 1\n\n" * 3000 + "```\n\nAfter *all*."
    found = pieces(text)
    assert found[0]["text"].endswith("\n\n")
    assert found[1]["html"].startswith('<pre><code class="language-python">x = 1')
    assert "<em>all</em>" in found[-1]["html"]


def test_ideographs_count_as_words_and_a_text_without_spaces_is_not_one_word():
    assert words("我喜欢 three words") == 6
    assert words("W" * 1_000_000) == 50_000


@pytest.fixture
def anna(tmp_path: Path):
    answers = ("word " * 10_000, "The cat sat.")
    app, journal = app_of(tmp_path, [comparison(1, *answers)])
    client = TestClient(app, headers=CSRF)
    client.post("/login", data={"name": "anna"})
    yield client
    journal.close()


def test_the_rest_the_whole_and_the_differences_are_asked_for(anna: TestClient):
    start = piece("word " * 10_000)["rest"]["start"]
    assert anna.get(f"/api/comparisons/c1/first?start={start}").json()["text"].startswith("word ")
    assert anna.get("/api/comparisons/c1/first/raw").json() == {"raw": "word " * 10_000}
    assert anna.get("/api/comparisons/c1/turn-0").json()["text"] == "Question 1?"
    said = anna.get("/api/comparisons/c1/diff").json()
    assert said["cut"]
    assert said["answers"][1] == [[True, "The cat sat."]]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("c1/third", 404),
        ("c1/turn-9", 404),
        ("c1/raw", 404),
        ("nope/first", 404),
        ("c1/first?start=60000", 400),
        ("c1/first?start=-1", 400),
        ("c1/first?start=x", 422),
    ],
)
def test_what_there_is_not_is_refused(anna: TestClient, path: str, status: int):
    assert anna.get(f"/api/comparisons/{path}").status_code == status


def test_nothing_is_read_without_a_log_in(tmp_path: Path):
    client = TestClient(app_of(tmp_path, [comparison(1)])[0])
    assert client.get("/api/comparisons/c1/first/raw").status_code == 401
