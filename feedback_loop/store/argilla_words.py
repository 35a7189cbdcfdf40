"""Comparisons and answers in Argilla's words, and back: there a completion is a side of the screen, here an id."""

from datetime import UTC, datetime
from typing import Any

from feedback_loop.records import Comparison, Ranking

SIDES = ("first", "second", "third", "fourth")


def as_record(comparison: Comparison) -> dict[str, Any]:
    """A record that shows the comparison; which completion stands where is in its metadata, which policy wrote it is nowhere:
    Argilla shows metadata to whoever answers.
    """
    turns = comparison.prompt.prompt
    earlier = "".join(f"**{m.role}**: {m.content}\n\n" for m in turns[:-1])
    shown = dict(zip(SIDES, comparison.completions, strict=False))
    return {
        "external_id": comparison.id,
        "fields": {"prompt": earlier + turns[-1].content, **{side: c.completion for side, c in shown.items()}},
        "metadata": {
            "round": comparison.round,
            "prompt_id": comparison.prompt_id,
            **{f"{side}_id": c.id for side, c in shown.items()},
        },
    }


def as_values(record: dict[str, Any], ranking: Ranking, answers: int) -> dict[str, Any]:
    """What each question of a dataset of so many answers is answered with, by its name; the others are left out."""
    sides = {name: side for side, name in _shown(record).items()}
    values = {
        "choice": sides.get(ranking.choice or "", ranking.choice),
        "order": _ranks(ranking, sides, answers),
        "strength": ranking.strength,
        "reason": ranking.reason,
        "comment": ranking.comment,
        "edit": ranking.edit,
        "edit_of": sides.get(ranking.edit_of or ""),
        "flagged": "yes" if ranking.flagged else None,
    }
    return {name: value for name, value in values.items() if value}


def as_ranking(record: dict[str, Any], response: dict[str, Any], user_id: str) -> Ranking | None:
    """An answer as `store.validity` would take it: what contradicts the choice or the status is left out.

    None where it chooses an answer that the record does not show.
    """
    values = {name: value["value"] for name, value in (response["values"] or {}).items()}
    shown, choice = _shown(record), values.get("choice")
    said: dict[str, Any] = {
        "comparison_id": record["external_id"],
        "user_id": user_id,
        "comment": values.get("comment"),
        "flagged": values.get("flagged") == "yes",
        "created_at": utc(response["updated_at"]),
    }
    if response["status"] != "submitted":
        return Ranking(status="discarded", reason=values.get("reason"), **said)
    if choice not in ("tie", "neither", *shown):
        return None
    edit = values.get("edit") if (values.get("edit") or "").strip() else None
    return Ranking(
        choice=shown.get(choice, choice),
        order=_order(values.get("order") or [], shown, choice),
        strength=values.get("strength") if choice in shown else None,
        edit=edit,
        edit_of=shown.get(values.get("edit_of") or "") if edit else None,
        **said,
    )


def _shown(record: dict[str, Any]) -> dict[str, str]:
    """Completion ids by the side on which they stand."""
    metadata = record["metadata"]
    return {side: metadata[f"{side}_id"] for side in SIDES if f"{side}_id" in metadata}


def _ranks(ranking: Ranking, sides: dict[str, str], answers: int) -> list[dict[str, Any]]:
    """Ranks from 1, the best. A side that the record does not show has the last one: Argilla wants a rank for each."""
    ranks = {sides[name]: place for place, group in enumerate(ranking.order or (), 1) for name in group}
    return [{"value": side, "rank": ranks.get(side, answers)} for side in SIDES[:answers]] if ranks else []


def _order(ranks: list[dict[str, Any]], shown: dict[str, str], choice: str) -> tuple[tuple[str, ...], ...] | None:
    """Completion ids by their ranks; None where one lacks a rank, or the best ones are not the choice."""
    places: dict[int, list[str]] = {}
    for item in ranks:
        if item["value"] in shown and item.get("rank") is not None:
            places.setdefault(item["rank"], []).append(shown[item["value"]])
    order = tuple(tuple(places[rank]) for rank in sorted(places))
    if not order or sum(map(len, order)) < len(shown):
        return None
    best = order[0][0] if len(order[0]) == 1 else "tie"
    return order if best == shown.get(choice, choice) else None


def utc(written: str) -> str:
    """Argilla's times are in UTC, and most of them do not say so."""
    read = datetime.fromisoformat(written)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="milliseconds")
