"""The store in Argilla: a comparison is a record, a person's ranking is the response of that person's own Argilla user.

The dataset is made by Argilla's SDK. Records, users and responses go through the server's REST interface, which takes a
response in the name of its own user and loses nothing of it.
"""

import contextlib
import hashlib
import re
import secrets
import time
import warnings
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import httpx

from feedback_loop.errors import LoopError
from feedback_loop.records import Comparison, Ranking
from feedback_loop.store.ranking_store import RefusedError

WORKSPACE = "feedback-loop"
PAGE = 200
MAKING_SECONDS = 10.0
"""How long another process may take to make a dataset."""
SIDES = ("first", "second")
PLAIN_NAME = re.compile(r"(?!u-)[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
GUIDELINES = """# Which answer is better?

Read the request, then both answers. Choose the one that is **closer to what you mean**: you need not explain it.

- **First** or **Second**: that answer is better.
- **Equally good**: you would be as happy with either.
- **Neither is good**: both miss.
- **How much better?** Say it where it is plain; leave it where it is not.
- *Discard* what you cannot judge; it counts for nothing.

A comment says what was wrong, or right. An edit is the answer as you would have written it: it is the strongest teacher.
"""


def open_store(connection_url: str, api_key: str, run_id: str, run_name: str) -> "ArgillaStore":
    """Open a run's dataset, making it where it is not there yet; LoopError in one line where Argilla cannot be used."""
    http = httpx.Client(
        base_url=f"{connection_url.rstrip('/')}/api/v1", headers={"X-Argilla-Api-Key": api_key}, timeout=60
    )
    store = ArgillaStore(connection_url, http, "", "", ())
    store.ask("GET", "/me")
    workspace, dataset = _dataset(connection_url, api_key, f"{run_name}-{run_id}")
    questions = store.ask("GET", f"/datasets/{dataset}/questions")["items"]
    return ArgillaStore(connection_url, http, workspace, dataset, [question["name"] for question in questions])


class ArgillaStore:
    """A `RankingStore` on one Argilla dataset. One made before a question was thought of never gets it: Argilla forbids it."""

    def __init__(self, url: str, http: httpx.Client, workspace: str, dataset: str, questions: Collection[str]) -> None:
        self.url, self.dataset, self.keeps_strength = url, dataset, "strength" in questions
        self._http, self._workspace = http, workspace
        self._records: dict[str, dict[str, Any]] = {}
        self._users: dict[str, dict[str, Any]] = {}

    def publish(self, comparisons: Sequence[Comparison]) -> None:
        """Make the comparisons known; those it already has are left as they are."""
        known = set(self._known_records())
        new = [_record(c) for c in comparisons if c.id not in known]
        for start in range(0, len(new), PAGE):
            self.ask("PUT", f"/datasets/{self.dataset}/records/bulk", json={"items": new[start : start + PAGE]})
        if new:
            self._records.clear()

    def submit(self, user_id: str, ranking: Ranking) -> None:
        """Create this user's answer to the comparison, or replace it."""
        record = self._record(ranking.comparison_id)
        values = {"choice": _side(record, ranking.choice), "comment": ranking.comment, "edit": ranking.edit}
        if self.keeps_strength:  # of a question that it does not ask, Argilla refuses the whole answer
            values["strength"] = ranking.strength
        item = {
            "record_id": record["id"],
            "status": ranking.status,
            "values": {name: {"value": value} for name, value in values.items() if value},
        }
        answer = self.ask("POST", "/me/responses/bulk", json={"items": [item]}, key=self._user(user_id)["api_key"])
        error = answer["items"][0].get("error")
        if error:
            raise RefusedError(
                f"Argilla at {self.url} refused the ranking of {ranking.comparison_id}: {error['detail']}"
            )

    def withdraw(self, user_id: str, comparison_id: str) -> None:
        """Take this user's answer back, if there is one."""
        user = self._user(user_id)
        record = self.ask("GET", f"/records/{self._record(comparison_id)['id']}")
        for response in record.get("responses") or []:
            if response["user_id"] == user["id"]:
                self.ask("DELETE", f"/responses/{response['id']}", key=user["api_key"])

    def rankings(self, round: int) -> list[Ranking]:  # noqa: A002
        """All users' answers of a round, wherever they were given; drafts are not answers yet."""
        names = {user["id"]: _user_id(user) for user in self.ask("GET", "/users")["items"]}
        return [
            _ranking(record, response, names.get(response["user_id"], response["user_id"]))
            for record in self._pages(include="responses")
            if (record["metadata"] or {}).get("round") == round
            for response in record.get("responses") or []
            if response["status"] in ("submitted", "discarded")
        ]

    def ask(self, method: str, path: str, *, key: str | None = None, **content: Any) -> Any:
        """One request, as this user or, with `key`, another; LoopError says what Argilla answered."""
        headers = {"X-Argilla-Api-Key": key} if key else None
        try:
            answer = self._http.request(method, path, headers=headers, **content)
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            raise LoopError(f"Argilla at {self.url} does not answer ({why}). Is it running? Then: advance") from error
        if answer.status_code in (401, 403):
            raise LoopError(
                f"Argilla at {self.url} refuses the key ({answer.status_code}). "
                "Set ARGILLA_API_KEY to the key of an owner of that server"
            )
        if answer.is_client_error:
            raise RefusedError(f"Argilla at {self.url}: {method} {path}: {answer.status_code} {answer.text[:200]}")
        if answer.is_error:
            raise LoopError(f"Argilla at {self.url}: {method} {path}: {answer.status_code} {answer.text[:200]}")
        return answer.json() if answer.content else None

    def _known_records(self) -> dict[str, dict[str, Any]]:
        if not self._records:
            self._records = {record["external_id"]: record for record in self._pages()}
        return self._records

    def _record(self, comparison_id: str) -> dict[str, Any]:
        found = self._known_records().get(comparison_id)
        if found is None:
            self._records.clear()
            found = self._known_records().get(comparison_id)
        if found is None:
            raise RefusedError(f"Argilla at {self.url} does not hold comparison {comparison_id} yet")
        return found

    def _pages(self, **more: str) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            query = {"offset": offset, "limit": PAGE, **more}
            items = self.ask("GET", f"/datasets/{self.dataset}/records", params=query)["items"]
            yield from items
            if len(items) < PAGE:
                return
            offset += PAGE

    def _user(self, user_id: str) -> dict[str, Any]:
        """The annotator's own Argilla user, made on demand, and let into the workspace."""
        if user_id in self._users:
            return self._users[user_id]
        name = user_name(user_id)
        found = self._find_user(name)
        if found is None:
            made = {"username": name, "first_name": user_id, "role": "annotator", "password": secrets.token_urlsafe(24)}
            with contextlib.suppress(RefusedError):  # another run has just made it
                self.ask("POST", "/users", json=made)
            found = self._find_user(name)
        if found is None:
            raise RefusedError(f"Argilla at {self.url} takes no user {name} for {user_id!r}. Use another name")
        members = {user["id"] for user in self.ask("GET", f"/workspaces/{self._workspace}/users")["items"]}
        if found["id"] not in members and found["role"] != "owner":
            self.ask("POST", f"/workspaces/{self._workspace}/users", json={"user_id": found["id"]})
        self._users[user_id] = found
        return found

    def _find_user(self, name: str) -> dict[str, Any] | None:
        users: list[dict[str, Any]] = self.ask("GET", "/users")["items"]
        return next((user for user in users if user["username"] == name), None)


def user_name(user_id: str) -> str:
    """The Argilla user name of an annotator: their own where it is plain ASCII, else one made of its hash."""
    if PLAIN_NAME.fullmatch(user_id):
        return user_id
    return f"u-{hashlib.sha256(user_id.encode()).hexdigest()[:24]}"


def _user_id(user: dict[str, Any]) -> str:
    return str(user["first_name"] if user["username"].startswith("u-") else user["username"])


def _record(comparison: Comparison) -> dict[str, Any]:
    turns = comparison.prompt.prompt
    earlier = "".join(f"**{m.role}**: {m.content}\n\n" for m in turns[:-1])
    first, second = comparison.completions[:2]
    return {
        "external_id": comparison.id,
        "fields": {
            "prompt": earlier + turns[-1].content,
            "first": first.completion,
            "second": second.completion,
        },
        "metadata": {
            "round": comparison.round,
            "policy": first.policy,
            "prompt_id": comparison.prompt_id,
            "first_id": first.id,
            "second_id": second.id,
        },
    }


def _side(record: dict[str, Any], choice: str | None) -> str | None:
    """The side on which a completion stands; tie, neither and None as they are."""
    metadata = record["metadata"]
    return next((side for side in SIDES if metadata[f"{side}_id"] == choice), choice)


def _ranking(record: dict[str, Any], response: dict[str, Any], user_id: str) -> Ranking:
    values = {name: value["value"] for name, value in (response["values"] or {}).items()}
    status: Literal["submitted", "discarded"] = "submitted" if response["status"] == "submitted" else "discarded"
    choice = values.get("choice") if status == "submitted" else None
    return Ranking(
        comparison_id=record["external_id"],
        user_id=user_id,
        status=status,
        choice=record["metadata"][f"{choice}_id"] if choice in SIDES else choice,
        strength=values.get("strength") if choice in SIDES else None,
        comment=values.get("comment"),
        edit=values.get("edit"),
        created_at=_utc(response["updated_at"]),
    )


def _utc(written: str) -> str:
    """Argilla's times are in UTC, and most of them do not say so."""
    read = datetime.fromisoformat(written)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="milliseconds")


def _dataset(url: str, api_key: str, name: str) -> tuple[str, str]:
    """Ids of the workspace and of the dataset of that name, both made where they are not there."""
    import argilla as rg

    try:
        client = rg.Argilla(api_url=url, api_key=api_key)
        with contextlib.closing(client.http_client), warnings.catch_warnings(action="ignore"):
            # The SDK warns of what is not there yet.
            workspace = client.workspaces(WORKSPACE) or rg.Workspace(name=WORKSPACE, client=client).create()
            dataset = _finished(client, name)
            if dataset is None:
                dataset = rg.Dataset(name=name, workspace=WORKSPACE, settings=_settings(rg), client=client).create()
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


def _settings(rg: Any) -> Any:
    labels = {"first": "First", "second": "Second", "tie": "Equally good", "neither": "Neither is good"}
    strengths = {"slight": "Slightly", "much": "Much"}
    return rg.Settings(
        guidelines=GUIDELINES,
        allow_extra_metadata=True,
        distribution=rg.TaskDistribution(min_submitted=1),
        fields=[
            rg.TextField(name="prompt", title="Request", use_markdown=True),
            rg.TextField(name="first", title="First answer", use_markdown=True),
            rg.TextField(name="second", title="Second answer", use_markdown=True),
        ],
        questions=[
            rg.LabelQuestion(name="choice", title="Which answer is better?", labels=labels),
            rg.LabelQuestion(name="strength", title="How much better?", labels=strengths, required=False),
            rg.TextQuestion(name="comment", title="Comment", required=False),
            rg.TextQuestion(name="edit", title="The answer as you would write it", required=False, use_markdown=True),
        ],
        metadata=[
            rg.IntegerMetadataProperty(name="round", title="Round"),
            rg.TermsMetadataProperty(name="policy", title="Policy"),
        ],
    )
