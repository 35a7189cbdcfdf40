"""Requests and answers of the lengths and shapes that a chat model writes: prose, lists, tables, code, earlier turns."""

import random

from feedback_loop.records import Message, Prompt

TASKS = (
    "Write a polite email that moves our meeting from {a} to {b}.",
    "Compare {a} and {b} for a small team that has never used either.",
    "Explain to a new colleague why we chose {a} over {b}.",
    "Write a Python function that merges {a} with {b} and keeps their order.",
    "Give me a checklist for moving from {a} to {b} without losing data.",
    "Our customers confuse {a} with {b}. What should the help page say?",
    "Summarise the risks of {a} for someone who only knows {b}.",
    "I have an hour for {a} and half an hour for {b}. Plan it.",
)
THINGS = (
    "the weekly report", "the old spreadsheet", "a shared inbox", "the invoice folder", "a paper calendar", "the ticket queue",
    "Tuesday's session", "the staff rota", "a relational database", "the stock list", "the club's newsletter", "a flat file",
    "the repair log", "the guest list", "a message board", "the training plan", "the packing list", "an address book",
)  # fmt: skip
SENTENCES = (
    "Start with what the reader already knows, and say in one sentence what changes for them.",
    "It usually pays to write down the current state first, because half of the later questions are about how it used to be.",
    "Keep a copy of the original until somebody else has checked the result.",
    "The first attempt will show which of the assumptions were wrong.",
    "Most of the effort goes into the exceptions: entries without a date, and the three records that nobody dares to delete.",
    "If two people disagree, ask what each of them would do next with the answer.",
    "A short note to everybody involved, two days ahead, avoids most surprises.",
    "Do the part that cannot be undone last.",
    "There is no need to be apologetic about it; a clear reason and a concrete proposal are enough.",
    "Numbers that are checked once a week by the same person drift less than numbers that everybody may correct.",
    "When in doubt, prefer the version that a newcomer could follow without asking.",
    "Thank you for your patience while we sort this out, and please tell me if the new time does not suit you.",
    "The cost is mostly one of attention: somebody has to look at it for ten minutes every morning.",
    "What is left over can wait until the end of the month.",
    "Neither is better in general; the question is how many people need to change the same entry on the same day.",
    "Ask for one small thing first, and for the rest once that has worked.",
)
ITEMS = (
    "**Name one person** who decides when it is done",
    "Export everything, with the date in the file's name",
    "Compare the totals before and after",
    "Tell the people who read it, not only those who write it",
    "Leave the old place readable for a month, with a line at the top that says where things are now",
    "Check the `notes` column: it often holds what had no place elsewhere",
    "Agree on what counts as *finished*",
    "Try it with ten entries first",
    "Write down what you skipped and why",
    "Set a reminder to look again in six weeks",
)
CODE = '''```python
def merge(left: list[dict], right: list[dict], key: str = "id") -> list[dict]:
    """All entries of both, in the order in which they were first seen; the right one wins."""
    merged = {entry[key]: entry for entry in left}
    for entry in right:
        known = merged.get(entry[key], {})
        merged[entry[key]] = {**known, **{name: value for name, value in entry.items() if value is not None}}
    return list(merged.values())


if __name__ == "__main__":
    assert merge([{"id": 1, "a": 2}], [{"id": 1, "a": None, "b": 3}]) == [{"id": 1, "a": 2, "b": 3}]
```'''
TABLE = """| | before | after |
| --- | ---: | ---: |
| minutes a day | 45 | 12 |
| people who may change it | 9 | 2 |
| entries that nobody can explain | 31 | 4 |"""
SHAPES = ("short", "short", "prose", "prose", "list", "list", "long", "code")
"""As often as each stands here."""


def request(number: int, rng: random.Random) -> Prompt:
    """A request that no other number has; every eighth continues a conversation."""
    a, b = rng.sample(THINGS, 2)
    last = f"{rng.choice(TASKS).format(a=a, b=b)} This is request {number + 1}."
    earlier = (Message(role="user", content=sentences(rng, 1)), Message(role="assistant", content=sentences(rng, 3)))
    turns = earlier if number % 8 == 7 else ()
    return Prompt(id=f"request-{number:03d}", prompt=(*turns, Message(role="user", content=last)))


def answer(rng: random.Random) -> str:
    """30 to 700 words."""
    shape = rng.choice(SHAPES)
    if shape == "short":
        return sentences(rng, rng.randint(1, 3))
    if shape == "prose":
        return "\n\n".join(sentences(rng, rng.randint(2, 5)) for _ in range(rng.randint(2, 4)))
    if shape == "list":
        return f"{sentences(rng, 1)}\n\n{bullets(rng)}\n\n{sentences(rng, 2)}"
    if shape == "code":
        return f"{sentences(rng, 2)}\n\n{CODE}\n\n{sentences(rng, rng.randint(1, 4))}"
    parts = [f"### {rng.choice(THINGS).capitalize()}\n\n{sentences(rng, 4)}\n\n{bullets(rng)}" for _ in range(4)]
    return "\n\n".join([*parts, TABLE, CODE, sentences(rng, 4)])


def sentences(rng: random.Random, count: int) -> str:
    """A paragraph."""
    return " ".join(rng.sample(SENTENCES, count))


def bullets(rng: random.Random) -> str:
    """A list of points or of steps."""
    mark = rng.choice(("-", "1."))
    return "\n".join(f"{mark} {item}" for item in rng.sample(ITEMS, rng.randint(3, 7)))
