"""Whether an answer hangs together, and belongs to the comparison that it is given to."""

from feedback_loop.errors import UsageError
from feedback_loop.records import Answer, Comparison


def check_answer(comparison: Comparison, answer: Answer) -> None:
    """UsageError, in one line, where a part of the answer contradicts another or speaks of what was not shown."""
    shown = {c.id for c in comparison.completions}
    _check_strength(answer, shown)
    _check_order(answer, shown)
    _check_edit(answer, shown)
    if answer.reason is not None and answer.status == "submitted":
        raise UsageError("A reason goes only with a skip. Skip the comparison, or leave `reason` out")


def _check_strength(answer: Answer, shown: set[str]) -> None:
    if answer.strength is not None and answer.choice not in shown:
        raise UsageError("How much better goes only with an answer that is chosen. Choose one, or leave `strength` out")


def _check_order(answer: Answer, shown: set[str]) -> None:
    if answer.order is None:
        return
    if answer.status == "discarded":
        raise UsageError("A skip has no order. Answer the comparison, or leave `order` out")
    named = [name for group in answer.order for name in group]
    if len(named) != len(shown) or set(named) != shown or not all(answer.order):
        raise UsageError(
            f"An order holds each of the {len(shown)} answers shown exactly once, and no empty place. Order them all"
        )
    best = answer.order[0]
    if answer.choice != (best[0] if len(best) == 1 else "tie"):
        raise UsageError(
            "The choice is not what the order has first. Choose its best answer, or `tie` where several are best"
        )


def _check_edit(answer: Answer, shown: set[str]) -> None:
    if answer.edit is None:
        if answer.edit_of is not None:
            raise UsageError("`edit_of` says what an edit was made from, and there is no edit. Send both, or neither")
        return
    if answer.status == "discarded":
        raise UsageError("A skip has no edit. Answer the comparison, or leave `edit` out")
    if not answer.edit.strip():
        raise UsageError("The edit is empty. Write the answer as it should be, or leave `edit` out")
    if answer.edit_of is not None and answer.edit_of not in shown:
        raise UsageError(
            "The edit was made from an answer that is not of this comparison. Reload the page, and edit it again"
        )
