# ruff: noqa: ANN001, ANN002, ANN003, ANN201, ANN202, ANN206
# No annotations: signatures are the server's own; its types are not in the environment that lints.
"""A search engine for the Argilla server that answers from the server's own SQLite database.

The database is the index: nothing is written twice, so nothing can disagree. A search reads the light columns that
its filters and orders need and works on them in memory. Meaning of
filters, orders and scores follows the server's own Elasticsearch engine.

Runs inside Argilla's environment and imports nothing of feedback_loop.
"""

from argilla_server.database import AsyncSessionLocal
from argilla_server.enums import SimilarityOrder
from argilla_server.models import Record, Response, Vector
from argilla_server.search_engine.base import (
    FloatMetadataMetrics,
    IntegerMetadataMetrics,
    SearchEngine,
    SearchResponseItem,
    SearchResponses,
    TermsMetrics,
)
from engine import filters, ordering, rows, similarity, text
from sqlalchemy import func, select


async def _nothing(*_args, **_kwargs):
    """There is no index to keep up to date."""


class DatabaseSearch(SearchEngine):
    """Answers every search of the server from its own database."""

    create_index = delete_index = configure_metadata_property = configure_index_vectors = _nothing
    index_records = partial_record_update = delete_records = _nothing
    update_record_response = delete_record_response = _nothing
    update_record_suggestion = delete_record_suggestion = _nothing

    @classmethod
    async def new_instance(cls):
        """An engine for one request."""
        return cls()

    async def close(self):
        """Nothing is held."""

    async def ping(self):
        """Always there: it is the database."""
        return True

    async def info(self):
        """What the server's status page shows."""
        return {"name": "feedback-loop", "engine": "sqlite"}

    async def get_dataset_progress(self, dataset):
        """Records by status, and their total."""
        if dataset.is_draft:
            return {}
        wanted = select(Record.status, func.count()).where(Record.dataset_id == dataset.id).group_by(Record.status)
        return await _counts(wanted)

    async def get_dataset_user_progress(self, dataset, user):
        """The user's responses by status, and their total."""
        if dataset.is_draft:
            return {}
        wanted = (
            select(Response.status, func.count())
            .join(Record, Record.id == Response.record_id)
            .where(Record.dataset_id == dataset.id, Response.user_id == user.id)
            .group_by(Response.status)
        )
        return await _counts(wanted)

    async def compute_metrics_for(self, metadata_property):
        """Counts of a terms property's values, or a number's smallest and largest value."""
        found = await rows.load(metadata_property.dataset_id, {"metadata"})
        values = [value for row in found for value in rows.listed(row.metadata.get(metadata_property.name))]
        if metadata_property.is_terms:
            counts = {value: values.count(value) for value in dict.fromkeys(values)}
            most = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
            return TermsMetrics(
                total=len(values), values=[TermsMetrics.TermCount(term=str(t), count=n) for t, n in most]
            )
        kind = IntegerMetadataMetrics if metadata_property.is_integer else FloatMetadataMetrics
        return kind(min=min(values, default=None), max=max(values, default=None))

    async def search(self, dataset, query=None, filter=None, sort=None, offset=0, limit=100, user_id=None):  # noqa: A002
        """A page of the records that match, and how many match in all.

        Order: as asked; else by how well the text matches; else each user's own shuffle; else as inserted.
        """
        found = await _matching(dataset, query, filter, ordering.needs(sort or []))
        scores = {row.id: score for row, score in found}
        chosen = [row for row, _ in found]
        if sort:
            chosen = ordering.sort(chosen, sort)
        elif query:
            chosen = sorted(chosen, key=lambda row: -scores[row.id])
        elif user_id:
            chosen = ordering.shuffle(chosen, user_id)
        page = chosen[offset : offset + limit]
        items = [SearchResponseItem(record_id=row.id, score=scores[row.id]) for row in page]
        return SearchResponses(items=items, total=len(chosen))

    async def similarity_search(
        self,
        dataset,
        vector_settings,
        value=None,
        record=None,
        query=None,
        filter=None,  # noqa: A002
        max_results=100,
        order=SimilarityOrder.most_similar,
        threshold=None,
    ):
        """The records nearest to (or farthest from) a vector or a record, that one left out, with scores in 0..1."""
        if bool(value) == bool(record):
            raise ValueError("Must provide either vector value or record to compute the similarity search")
        target = value or record.vector_value_by_vector_settings(vector_settings)
        if not target:
            raise ValueError("Cannot find a vector value to apply with provided info")
        if order == SimilarityOrder.least_similar:
            target = [-part for part in target]
        allowed = {row.id for row, _ in await _matching(dataset, query, filter, set())}
        async with AsyncSessionLocal() as db:
            wanted = select(Vector.record_id, Vector.value).where(Vector.vector_settings_id == vector_settings.id)
            stored = (await db.execute(wanted)).all()
        near = [(id_, vector) for id_, vector in stored if id_ in allowed and not (record and id_ == record.id)]
        best = similarity.nearest(target, near, max_results, threshold)
        items = [SearchResponseItem(record_id=id_, score=score) for id_, score in best]
        return SearchResponses(items=items, total=len(items))


async def _counts(wanted):
    async with AsyncSessionLocal() as db:
        counts = {status.value: number for status, number in (await db.execute(wanted)).all()}
    return {"total": sum(counts.values()), **counts}


async def _matching(dataset, query, wanted, needs):
    """Pairs of row and text score for all records that match, in the order of insertion."""
    needs = needs | filters.needs(wanted) | ({"fields"} if query else set())
    found = await rows.load(dataset.id, needs)
    if wanted:
        found = [row for row in found if filters.matches(row, wanted)]
    if not query:
        return [(row, 1.0) for row in found]
    phrase, field = (query, None) if isinstance(query, str) else (query.q, query.field)
    search = text.parse(phrase)
    names = [field] if field else None
    images = {each.name for each in dataset.fields if each.is_image}
    scored = [(row, text.score(search, text.fold(rows.words_of(row, names, images)))) for row in found]
    return [(row, score) for row, score in scored if score > 0]


SearchEngine.register(engine_name="sqlite")(DatabaseSearch)
