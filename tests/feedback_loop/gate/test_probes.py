"""Probes: those that come with the project, a user's beside them, and one clear line for a wrong one."""

import json
from pathlib import Path

import pytest

from feedback_loop.begin import begin
from feedback_loop.errors import UsageError
from feedback_loop.gate import probes
from feedback_loop.run import read_jsonl

MINE = {"prompt": "Who wrote Faust?", "kind": "fact", "checks": {"contains_any": ["Goethe"]}}


def test_shipped_probes_are_of_six_kinds_and_nothing_at_all_is_no_right_answer():
    found = probes.shipped()
    assert {p.kind for p in found} == {"arithmetic", "copying", "fact", "format", "language", "instruction"}
    assert len({p.id for p in found}) == len(found) >= 40
    assert not [p.id for p in found if probes.right(p, "") or probes.right(p, "Good day.")]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("arithmetic-05", "13 + 28 = 41."),
        ("copying-02", '"The green boat has two sails."'),
        ("copying-06", "5, 9, 2, 6"),
        ("fact-03", "There are seven days in a week."),
        ("format-01", "1. Red\n2. Green\n3. Blue"),
        ("format-04", "No."),
        ("format-06", '```json\n{\n  "name": "Lena",\n  "age": 30\n}\n```'),
        ("language-06", "早上好。"),
        ("instruction-02", "7."),
        ("instruction-09", "Sure, it is cold."),
    ],
)
def test_a_right_answer_is_taken_as_people_write_it(name: str, answer: str):
    assert probes.right(next(p for p in probes.shipped() if p.id == name), answer)


@pytest.mark.parametrize(("model", "more"), [("Qwen/Qwen2.5-0.5B-Instruct", set()), ("tiny", {"tiny"})])
def test_neutral_text_is_in_three_languages_and_for_the_tiny_model_in_its_own(model: str, more: set[str]):
    found = probes.neutral(model)
    assert {p.id.split("-")[0] for p in found} == {"en", "ru", "zh"} | more
    assert len({p.id for p in found}) == len({p.text for p in found}) == len(found)


def test_a_users_probes_come_after_the_shipped_ones_and_are_copied_into_the_run(tmp_path: Path):
    file = tmp_path / "mine.jsonl"
    file.write_text(json.dumps(MINE) + "\n\n" + json.dumps(MINE | {"id": "mine", "kind": "books"}) + "\n")
    run = begin(tmp_path / "run", None, "tiny", [f"guard.probes='{file}'"])
    file.unlink()
    kept = read_jsonl(run.path / "probes.jsonl", probes.Probe)
    assert kept[:-2] == probes.shipped()
    assert (kept[-1].id, kept[-1].kind, kept[-1].request) == ("mine", "books", "Who wrote Faust?")
    assert probes.right(kept[-1], "It was Goethe.")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"prompt": "a"', "line 2: not JSON"),
        (json.dumps(MINE | {"prompt": ""}), "line 2: the last message must be the user's"),
        ('{"prompt": "a", "kind": "fact"}', "line 2: checks: Field required"),
        ('{"prompt": "a", "kind": "fact", "checks": {}}', "line 2: checks: "),
        (json.dumps(MINE | {"checks": {"contain": ["x"]}}), "line 2: checks: .*'contain': no such check. There are: "),
        (json.dumps(MINE | {"checks": {"number": "four"}}), "line 2: checks: .*takes a value of type int"),
        (json.dumps(MINE | {"checks": {"matches": "("}}), "line 2: checks: .*regular expression"),
        (json.dumps(MINE | {"id": "fact-01"}), "line 2: there is a probe 'fact-01' already"),
        (json.dumps(MINE | {"answer": "Goethe"}), "line 2: answer: Extra inputs"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named_in_one_line_and_no_run_is_made(tmp_path: Path, line: str, said: str):
    file = tmp_path / "mine.jsonl"
    file.write_text("\n" + line + "\n")
    with pytest.raises(UsageError, match=said) as error:
        begin(tmp_path / "run", None, "tiny", [f"guard.probes='{file}'"])
    assert "\n" not in str(error.value)
    assert str(file) in str(error.value)
    assert not (tmp_path / "run").exists()


def test_a_missing_file_is_named_with_its_key(tmp_path: Path):
    with pytest.raises(UsageError, match=r"absent\.jsonl: cannot read the probes .* Check guard\.probes"):
        begin(tmp_path / "run", None, "tiny", ["guard.probes=absent.jsonl"])
