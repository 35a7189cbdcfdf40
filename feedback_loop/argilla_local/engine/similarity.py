# ruff: noqa: ANN001, ANN201
# No annotations: the server's types are not in the environment that lints.
"""Nearness of vectors, by cosine."""

import numpy as np


def nearest(target, candidates, count, threshold=None):
    """The `count` best (id, score) of (id, vector) candidates, best first; score is (1 + cosine) / 2, in 0..1."""
    if not candidates:
        return []
    ids, vectors = zip(*candidates, strict=True)
    matrix, wanted = np.asarray(vectors, dtype=np.float64), np.asarray(target, dtype=np.float64)
    lengths = np.linalg.norm(matrix, axis=1) * np.linalg.norm(wanted)
    cosines = np.divide(matrix @ wanted, lengths, out=np.zeros(len(ids)), where=lengths > 0)
    scores = (1 + cosines) / 2
    best = np.argsort(-scores, kind="stable")[:count]
    return [(ids[i], float(scores[i])) for i in best if threshold is None or scores[i] >= threshold]
