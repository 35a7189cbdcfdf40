"""The team of a run, read from its files: for the Team page, `feedback-loop team` and the W&B summary."""

from feedback_loop.labels import everything
from feedback_loop.records import Comparison, Ranking
from feedback_loop.run import Run
from feedback_loop.team.team import Me, Person, Share, Team, me_of, team_of


def team(run: Run, through: int | None = None) -> Team:
    """Everything about who labelled, the open round included; `through` a round, nothing later."""
    return team_of(*_answers(run, through), weighing=run.recipe.preferences.consistency)


def over_rounds(run: Run) -> list[tuple[int, Team]]:
    """The team as it was by the end of each decided round."""
    return [(number, team(run, number)) for number in run.rounds() if run.done(number, "promotion")]


def me(run: Run, name: str) -> Me:
    """What that person may know of their own answers so far."""
    return me_of(*_answers(run, None), name)


def as_text(view: Team) -> str:
    """A team for the terminal."""
    if not view.people:
        return "Nobody has answered anything yet."
    lines = [
        f"{len(view.people)} people, {view.answers} answers; {view.shared} of {view.answered} comparisons by two or more"
    ]
    if view.alpha:
        a = view.alpha
        lines.append(
            f"Krippendorff's alpha {a.alpha:.2f} ({a.low:.2f} to {a.high:.2f}) over {a.comparisons} comparisons; "
            "1 is perfect agreement, 0 what chance gives"
        )
    for person in view.people:
        lines += [f"{person.name}: {person.answers} answers, last {person.last_active[:16]}", *_said(person, view)]
    lines += [f"{b.one} and {b.other} agree in {_percent(b.same)}" for b in view.between]
    return "\n".join(lines)


def _said(person: Person, view: Team) -> list[str]:
    """A person's figures, a line each, of those that there are."""
    said = [
        (person.self_agreement, "the same again in"),
        (person.checks, "checks passed:"),
        (person.majority, "with the majority of the others in"),
        (person.first_chosen, "chose what stood first in"),
        (person.longer_chosen, "chose the longer in"),
    ]
    lines = [f"    {words} {_percent(share)}" for share, words in said if share]
    if person.leans:
        lines.append(f"    leans to what stands {person.leans} (chance: {person.first_chance:.2g})")
    if person.seconds:
        lines.append(
            f"    {person.seconds.median:.0f} s an answer, half of them {person.seconds.low:.0f} to {person.seconds.high:.0f} s"
        )
    if person.skips:
        lines.append("    skipped: " + ", ".join(f"{n} {reason}" for reason, n in sorted(person.skips.items())))
    e = person.evidence
    used = "" if view.weighing == "weigh" else ', not used (preferences.consistency = "ignore")'
    lines.append(
        f"    errs in about {e.error:.0%} ({e.error_low:.0%} to {e.error_high:.0%}); weight {e.weight:.2f}{used}"
    )
    return lines


def _percent(share: Share) -> str:
    return f"{share.share:.0%} ({share.low:.0%} to {share.high:.0%}) of {share.count}"


def _answers(run: Run, through: int | None) -> tuple[list[Comparison], list[Ranking]]:
    """Comparisons of all rounds that have them, and the answers to them that count."""
    said = [one for one in everything(run) if through is None or one.source.round <= through]
    return [c for one in said for c in one.comparisons], [r for one in said for r in one.rankings]
