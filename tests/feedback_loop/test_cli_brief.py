"""The brief at the command line: given when a run is made, changed, and listed with tokens."""

import json
from pathlib import Path

from feedback_loop.run import open_run
from tests.conftest import Cli


def test_a_brief_from_init_to_the_first_change(cli: Cli, tmp_path: Path):
    run, mine = tmp_path / "run", tmp_path / "mine.md"
    mine.write_text("- Start with a greeting.\n- Be formal.\n", encoding="utf-8")
    assert cli("init", run, "--brief", mine).returncode == 0
    assert (run / "brief.md").read_text() == mine.read_text()
    assert open_run(run).recipe.brief.file == str(mine)

    done = cli("brief", run, "--mark", "1=out", "--order", "2,1", "--json")
    assert "Round 000 will work by it." in done.stderr
    assert (run / "brief.md").read_text() == "- Be formal.\n- Start with a greeting. (out of scope)\n"
    assert (run / "briefs" / "000.md").read_text() == mine.read_text()
    found = json.loads(done.stdout)
    assert [(r["number"], r["text"], r["mark"]) for r in found["requirements"]] == [
        (1, "Be formal.", "must"),
        (2, "Start with a greeting.", "out"),
    ]
    assert all(r["tokens"] >= r["words"] for r in found["requirements"])
    assert [level["level"] for level in found["levels"]] == [1.0, 0.5, 0.1, 0.0]
    tokens = [level["tokens"] for level in found["levels"]]
    assert sorted(tokens, reverse=True) == tokens
    assert tokens[-1] == 0

    done = cli("brief", run, "--mark", "2=must")
    assert f"feedback-loop brief {run} --check NUMBERS\n  2  Start with a greeting. [check: greeting]" in done.stdout
    cli("brief", run, "--check", "2")
    assert "Start with a greeting. [check: greeting]" in (run / "brief.md").read_text()
