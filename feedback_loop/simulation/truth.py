"""What a simulated annotator truly thinks of each round's new policy, left where the Rounds page and W&B read it."""

from feedback_loop import tracking
from feedback_loop.brief.brief_curve import by_persona, has_curve
from feedback_loop.evaluate import win_rate
from feedback_loop.lineage import BASE, open_round
from feedback_loop.records import Completion, Prompt
from feedback_loop.report.overview import Truth
from feedback_loop.report.report import overview
from feedback_loop.run import Run, read_jsonl, write_jsonl
from feedback_loop.simulation.personas import Persona, utility
from feedback_loop.team.team_report import over_rounds


def write_truth(run: Run, persona: Persona) -> None:
    """RUN/simulated.jsonl of all decided rounds; the summary in W&B anew where that says something new.

    The loop itself never reads it: nothing is trained or decided by a truth that people do not tell.
    """
    file = run.path / "simulated.jsonl"
    before = file.read_bytes() if file.exists() else b""
    write_jsonl(file, [truth(run, number, persona) for number in range(open_round(run))])
    if file.read_bytes() != before:
        tracking.summarise(run, overview(run), over_rounds(run))


def truth(run: Run, number: int, persona: Persona) -> Truth:
    """The new policy's win rates by true utility, on the completions of the round's evaluation; ties count half."""
    judged = run.manifest(number, "evaluation")
    prompts = {p.id: p for p in read_jsonl(run.path / "heldout.jsonl", Prompt)}
    answers = read_jsonl(run.stage_folder(number, "evaluation") / "completions.jsonl", Completion)

    def utilities(policy: str) -> list[float]:
        made = sorted((c for c in answers if c.policy == policy), key=lambda c: c.prompt_id)
        return [utility(persona, prompts[c.prompt_id], c.completion) for c in made]

    ours = utilities(judged.facts["candidate"])
    return Truth(
        round=number,
        evaluation=judged.finished_at,
        win_rate_base=win_rate(ours, utilities(BASE)),
        win_rate_parent=win_rate(ours, utilities(judged.facts["parent"])),
        persona=persona.name,
        curve=tuple(by_persona(run, number, persona)) if has_curve(run, number) else (),
    )
