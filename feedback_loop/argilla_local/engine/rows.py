# ruff: noqa: ANN001, ANN201, ANN202
# No annotations: the server's types are not in the environment that lints.
"""Records as the search sees them: light rows, with only the parts that a search needs."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from argilla_server.database import AsyncSessionLocal
from argilla_server.models import Question, Record, Response, Suggestion
from sqlalchemy import select, text


@dataclass
class Row:
    """One record. Parts that were not asked for are empty."""

    id: UUID
    external_id: str | None
    status: str
    inserted_at: datetime
    updated_at: datetime
    fields: dict = field(default_factory=dict)
    metadata: dict = field(default_factory=dict)
    responses: list = field(default_factory=list)
    """Tuples of user id, status and answers by question."""
    suggestions: dict = field(default_factory=dict)
    """Question name -> the suggestion's value, score, agent and type."""


async def load(dataset_id, needs):
    """A dataset's records in the order of insertion; `needs` names the parts wanted beyond the plain columns."""
    columns = [Record.id, Record.external_id, Record.status, Record.inserted_at, Record.updated_at]
    columns += [Record.fields] if "fields" in needs else []
    columns += [Record.metadata_.label("metadata")] if "metadata" in needs else []
    wanted = select(*columns).where(Record.dataset_id == dataset_id)
    async with AsyncSessionLocal() as db:
        result = await db.execute(wanted.order_by(Record.inserted_at, text("records.rowid")))
        found = [Row(**{**values, "status": values["status"].value}) for values in result.mappings()]
        by_id = {row.id: row for row in found}
        if "responses" in needs:
            await _add_responses(db, dataset_id, by_id)
        if "suggestions" in needs:
            await _add_suggestions(db, dataset_id, by_id)
    for row in found:
        row.metadata = row.metadata or {}
    return found


async def _add_responses(db, dataset_id, by_id):
    wanted = (
        select(Response.record_id, Response.user_id, Response.status, Response.values)
        .join(Record, Record.id == Response.record_id)
        .where(Record.dataset_id == dataset_id)
    )
    for record_id, user_id, status, values in (await db.execute(wanted)).all():
        if record_id in by_id:  # a record may have come since the rows were read
            answers = {name: answer.get("value") for name, answer in (values or {}).items()}
            by_id[record_id].responses.append((user_id, status.value, answers))


async def _add_suggestions(db, dataset_id, by_id):
    wanted = (
        select(Suggestion, Question.name)
        .join(Question, Question.id == Suggestion.question_id)
        .where(Question.dataset_id == dataset_id)
    )
    for suggestion, name in (await db.execute(wanted)).all():
        if suggestion.record_id in by_id:
            by_id[suggestion.record_id].suggestions[name] = {
                "value": suggestion.value,
                "score": suggestion.score,
                "agent": suggestion.agent,
                "type": suggestion.type.value if suggestion.type else None,
            }


def listed(value):
    """A value as a list: several values may stand where one does."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def words_of(row, names, images):
    """The text of a record's fields (of all but images where no names are given); NUL keeps fields apart."""
    chosen = names if names is not None else [name for name in row.fields if name not in images]
    return "\0".join(part for name in chosen for part in _strings(row.fields.get(name)))


def _strings(value):
    if isinstance(value, dict):
        return [part for inner in value.values() for part in _strings(inner)]
    if isinstance(value, list):
        return [part for inner in value for part in _strings(inner)]
    return [] if value is None else [str(value)]
