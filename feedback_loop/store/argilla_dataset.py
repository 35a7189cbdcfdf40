"""A run's dataset in Argilla: made by Argilla's SDK, once, with all that it asks."""

import contextlib
import time
import warnings
from typing import Any

from feedback_loop.errors import LoopError
from feedback_loop.store.argilla_words import SIDES

WORKSPACE = "feedback-loop"
MAKING_SECONDS = 10.0
"""How long another process may take to make a dataset."""
GUIDELINES = """# Which answer is better?

Read the request, then the answers. Choose the one that is **closer to what you mean**: you need not explain it.

- **First**, **Second**, ...: that answer is better.
- **Equally good**: you would be as happy with either.
- **Neither is good**: all miss.
- **Best first**, where there are three or four answers: drag them into an order; those in one place are as good as each other.
  An order that begins with something else than your choice does not count.
- **How much better?** Say it where it is plain; leave it where it is not.
- *Discard* what you cannot judge, and say why if you like; it counts for nothing.
- **Should somebody look at this?** Say yes to what worries you.

A comment says what was wrong, or right. An edit is the answer as you would have written it: it is the strongest teacher.
"""


def open_dataset(url: str, api_key: str, name: str, answers: int) -> tuple[str, str]:
    """Ids of the workspace and of the dataset of that name, both made where they are not there."""
    import argilla as rg

    try:
        client = rg.Argilla(api_url=url, api_key=api_key)
        with contextlib.closing(client.http_client), warnings.catch_warnings(action="ignore"):
            # The SDK warns of what is not there yet.
            workspace = client.workspaces(WORKSPACE) or rg.Workspace(name=WORKSPACE, client=client).create()
            dataset = _finished(client, name)
            if dataset is None:
                dataset = rg.Dataset(
                    name=name, workspace=WORKSPACE, settings=settings(rg, answers), client=client
                ).create()
    except Exception as error:
        why = " ".join(str(error).split())[:200]
        raise LoopError(f"Argilla at {url}: the dataset {name} cannot be opened ({why})") from error
    return str(workspace.id), str(dataset.id)


def _finished(client: Any, name: str) -> Any:
    """The dataset of that name, or None. A half-made one gets time to be finished, and else goes: its maker was killed."""
    ends = time.monotonic() + MAKING_SECONDS
    while (dataset := client.datasets(name, workspace=WORKSPACE)) is not None:
        if dataset._is_published():  # noqa: SLF001 - the SDK says it nowhere else
            return dataset
        if time.monotonic() > ends:
            dataset.delete()
        else:
            time.sleep(0.5)
    return None


def settings(rg: Any, answers: int) -> Any:
    """What a dataset of so many answers a comparison shows and asks."""
    sides = {side: side.title() for side in SIDES[:answers]}
    better = sides | {"tie": "Equally good", "neither": "Neither is good"}
    reasons = {"unclear": "The request is unclear", "unsafe": "Nobody should see this", "unknown": "I don't know"}
    places = {side: f"{title} answer" for side, title in sides.items()}
    order = rg.RankingQuestion(name="order", title="Best first", values=places, required=False)
    return rg.Settings(
        guidelines=GUIDELINES,
        allow_extra_metadata=True,
        distribution=rg.TaskDistribution(min_submitted=1),
        fields=[
            rg.TextField(name="prompt", title="Request", use_markdown=True),
            *(
                rg.TextField(name=side, title=title, use_markdown=True, required=side in SIDES[:2])
                for side, title in places.items()
            ),
        ],
        questions=[
            rg.LabelQuestion(name="choice", title="Which answer is better?", labels=better),
            *([order] if answers > 2 else []),
            _label(rg, "strength", "How much better?", {"slight": "Slightly", "much": "Much"}),
            rg.TextQuestion(name="comment", title="Comment", required=False),
            rg.TextQuestion(name="edit", title="The answer as you would write it", required=False, use_markdown=True),
            _label(rg, "edit_of", "Written from which answer?", {side: f"From the {side}" for side in sides}),
            _label(rg, "flagged", "Should somebody look at this?", {"yes": "Yes", "no": "No"}),
            _label(rg, "reason", "Why do you discard it?", reasons),
        ],
        metadata=[rg.IntegerMetadataProperty(name="round", title="Round")],
    )


def _label(rg: Any, name: str, title: str, labels: dict[str, str]) -> Any:
    return rg.LabelQuestion(name=name, title=title, labels=labels, required=False)
