# ruff: noqa: ANN001, ANN201, ANN202
# No annotations: the server's types are not in the environment that lints.
"""In which order records come."""

import hashlib
from statistics import fmean

from argilla_server.enums import SortOrder
from engine.filters import part_of, values


def needs(orders):
    """The parts of a record that the orders look at."""
    return set().union(*(part_of(each.scope) for each in orders))


def sort(rows, orders):
    """Rows by the first order, ties by the next, the last ties as inserted; a row without a value comes last."""
    for each in reversed(orders):
        descending = each.order == SortOrder.desc
        keyed = [(_key(values(row, each.scope), descending), row) for row in rows]
        present = sorted((pair for pair in keyed if pair[0] is not None), key=lambda pair: pair[0], reverse=descending)
        rows = [row for _, row in present] + [row for key, row in keyed if key is None]
    return rows


def shuffle(rows, user_id):
    """Rows in an order that is each user's own and always the same, so that users do not all begin with one record."""
    return sorted(rows, key=lambda row: hashlib.sha256(f"{user_id}/{row.id}".encode()).digest())


def _key(found, descending):
    """What a record sorts by: the mean of several numbers, the first of several words in the order's direction."""
    if not found:
        return None
    if all(isinstance(value, int | float) for value in found):
        return fmean(found)
    if len(found) == 1 and not isinstance(found[0], str):
        return found[0] if hasattr(found[0], "isoformat") else str(found[0])
    return max(map(str, found)) if descending else min(map(str, found))
