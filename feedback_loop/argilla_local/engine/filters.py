# ruff: noqa: ANN001, ANN201, ANN202
# No annotations: the server's types are not in the environment that lints.
"""Which records a filter lets through."""

from datetime import UTC, datetime

from argilla_server.errors.future import UnprocessableEntityError
from argilla_server.search_engine.base import (
    AndFilter,
    MetadataFilterScope,
    RangeFilter,
    ResponseFilterScope,
    SuggestionFilterScope,
)
from engine.rows import listed


def needs(wanted):
    """The parts of a record that a filter looks at."""
    if wanted is None:
        return set()
    if isinstance(wanted, AndFilter):
        return set().union(*(needs(each) for each in wanted.filters))
    return part_of(wanted.scope)


def part_of(scope):
    """The part of a record that a scope speaks of; empty for the plain columns."""
    parts = {ResponseFilterScope: "responses", SuggestionFilterScope: "suggestions", MetadataFilterScope: "metadata"}
    return {parts[type(scope)]} if type(scope) in parts else set()


def matches(row, wanted):
    """Whether a record passes a filter."""
    if isinstance(wanted, AndFilter):
        return all(matches(row, each) for each in wanted.filters)
    scope = wanted.scope
    if isinstance(scope, ResponseFilterScope) and not scope.question:
        return _status_matches(row, wanted)
    return any(_passes(value, wanted) for value in values(row, scope))


def values(row, scope):
    """All values that a record has in a scope: several where it has several responses or a list."""
    if isinstance(scope, MetadataFilterScope):
        return listed(row.metadata.get(scope.metadata_property))
    if isinstance(scope, SuggestionFilterScope):
        return listed(row.suggestions.get(scope.question, {}).get(scope.property))
    if isinstance(scope, ResponseFilterScope):
        return [
            value
            for _, status, answers in responses(row, scope.user)
            for value in (listed(answers.get(scope.question)) if scope.question else [status])
        ]
    return listed(getattr(row, scope.property))


def responses(row, user):
    """A record's responses: of one user, or of all where none is named."""
    return [each for each in row.responses if user is None or each[0] == user.id]


def _status_matches(row, wanted):
    """`pending` is the absence of a response: of the user, or of anybody where no user is named."""
    statuses = {str(value) for value in wanted.values}
    mine = responses(row, wanted.scope.user)
    return ("pending" in statuses and not mine) or any(status in statuses for _, status, _ in mine)


def _passes(value, wanted):
    if isinstance(wanted, RangeFilter):
        low, high = (_like(value, bound) for bound in (wanted.ge, wanted.le))
        return (low is None or value >= low) and (high is None or value <= high)
    if isinstance(value, datetime):
        return any(value == _like(value, term) for term in wanted.values)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return any(value == _number(term) for term in wanted.values)
    return str(value) in map(str, wanted.values)


def _like(value, bound):
    """A bound in the type of the value it is compared with; None stays None."""
    if bound is None:
        return None
    if isinstance(value, datetime):
        try:
            moment = datetime.fromisoformat(str(bound))
        except ValueError as error:
            raise UnprocessableEntityError(f"{bound!r} is not a date such as 2026-01-31T12:00:00") from error
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    if isinstance(value, int | float):
        number = _number(bound)
        if number is None:
            raise UnprocessableEntityError(f"{bound!r} is not a number")
        return number
    return str(bound)


def _number(term):
    try:
        return float(term)
    except ValueError:
        return None
