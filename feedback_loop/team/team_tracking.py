"""The team in the summary run of Weights & Biases: figures over rounds, and as tables who they are and who agrees with whom."""

from collections.abc import Sequence
from typing import Any

from feedback_loop.team.team import Person, Share, Team

SHARES = ("self_agreement", "checks", "majority", "first_chosen", "longer_chosen")
"""Figures of a person that have an interval, and `count` answers behind them."""


def log_team(wandb_run: Any, teams: Sequence[tuple[int, Team]]) -> None:
    """`team/...` over rounds, of all answers up to each (round, team); the tables are of the last one."""
    import wandb

    wandb_run.define_metric("team/*", step_metric="loop/round")
    for number, team in teams:
        wandb_run.log({"loop/round": number, **{f"team/{name}": value for name, value in figures(team).items()}})
    for _, team in teams[-1:]:
        people, between = people_rows(team), between_rows(team)
        for name, rows in (("people", people), ("agreement", between)):
            if rows:
                table = wandb.Table(columns=list(rows[0]), data=[list(row.values()) for row in rows])
                wandb_run.log({f"team/{name}": table})


def figures(team: Team) -> dict[str, float]:
    """What is drawn over rounds; each person's weight and answers by their name."""
    found: dict[str, float] = {
        "people": len(team.people),
        "answers": team.answers,
        "comparisons": team.comparisons,
        "answered": team.answered,
        "shared": team.shared,
        "repeats": team.repeats,
        "checks": team.checks,
    }
    if team.alpha:
        found |= {"alpha": team.alpha.alpha, "alpha_low": team.alpha.low, "alpha_high": team.alpha.high}
    for person in team.people:
        found |= {f"answers/{person.name}": person.answers, f"weight/{person.name}": person.evidence.weight}
    return found


def people_rows(team: Team) -> list[dict[str, Any]]:
    """A row a person; None where a figure cannot be said."""
    return [_row(person) for person in team.people]


def between_rows(team: Team) -> list[dict[str, Any]]:
    """A row for each two people who answered a comparison in common."""
    return [{"one": b.one, "other": b.other, **_share("same", b.same)} for b in team.between]


def _row(person: Person) -> dict[str, Any]:
    seconds, evidence = person.seconds, person.evidence
    row: dict[str, Any] = {
        "person": person.name,
        "answers": person.answers,
        "last_active": person.last_active,
        "seconds": seconds.median if seconds else None,
        "seconds_low": seconds.low if seconds else None,
        "seconds_high": seconds.high if seconds else None,
        "skips": sum(person.skips.values()),
        "ties": person.ties,
        "neither": person.neither,
        "flagged": person.flagged,
        "shared": person.shared,
    }
    for name in SHARES:
        row |= _share(name, getattr(person, name))
    return row | {
        "first_chance": person.first_chance,
        "leans": person.leans,
        "error": evidence.error,
        "error_low": evidence.error_low,
        "error_high": evidence.error_high,
        "weight": evidence.weight,
    }


def _share(name: str, share: Share | None) -> dict[str, Any]:
    found = share.model_dump() if share else dict.fromkeys(Share.model_fields)
    return {name: found.pop("share"), **{f"{name}_{key}": value for key, value in found.items()}}
