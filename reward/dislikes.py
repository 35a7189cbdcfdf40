"""What an answer that somebody called no good says: the typical answer, whose measured features are 0, is better."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from feedback_loop.records import Disliked
from reward.head import Array, Frame, Labels, measured
from reward.observations import Thresholds


def with_disliked(labels: Labels, rows: Array, answers: Sequence[Disliked], view: Frame, at: Thresholds) -> Labels:
    """The labels, and after them one for each of these answers, whose features are `rows` (answers, columns)."""
    if not answers:
        return labels
    answer, requests = measured(view, rows)
    differences = np.vstack([labels.differences, -answer])
    return replace(
        labels,
        differences=differences,
        gram=differences @ differences.T,
        requests=np.vstack([labels.requests, requests]),
        low=np.append(labels.low, [at.tie] * len(answers)),
        high=np.append(labels.high, [np.inf] * len(answers)),
        weight=np.append(labels.weight, [a.weight for a in answers]),
        leaning=np.pad(labels.leaning, (0, len(answers))),
    )
