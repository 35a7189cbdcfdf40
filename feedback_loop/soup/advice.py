"""What to do next, in fixed sentences: from the gains, their intervals, and how the reward model has grown with its labels."""

from collections.abc import Mapping

from feedback_loop.soup.cells import Saying

WORDS: Mapping[Saying, str] = {
    "add": "Next: {ingredient}. It gains {gain} points ({low} to {high}) over {cell}.",
    "maybe": "No ingredient is surely better. {ingredient} looks best: {gain} points ({low} to {high}) over {cell}.",
    "nothing": "Nothing that was tried looks better than {cell}.",
    "paste": "Until then go on pasting the brief: it still gains {gain} points ({low} to {high}).",
    "cheaper": "{cell} is not surely worse than the best, and costs {tokens} tokens a request in place of {of}.",
    "harm": "Leave out {ingredient}: it loses {gain} points ({low} to {high}) over {cell}.",
    "unneeded": "Requirement {number} of the brief is no longer needed: {share} of answers meet it unasked ({low} to {high}).",
    "missed": "Requirement {number} is met by {share} of the best cell's answers ({low} to {high}): say more about it.",
    "labels": "More comparisons should help: the reward model went from {before} to {after} right with the last {labels}.",
    "enough": "More comparisons may add little: the reward model stayed at {after} right with the last {labels}.",
}
"""`cell` is said in words (`soup_text.named`), shares in per cent, gains in points."""
