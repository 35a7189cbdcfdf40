"""The store in Argilla: a comparison is a record, a person's ranking is the response of that person's own Argilla user.

The dataset is made by Argilla's SDK. Records, users and responses go through the server's REST interface, which takes a
response in the name of its own user and loses nothing of it.
"""

import contextlib
import hashlib
import re
import secrets
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import httpx

from feedback_loop.errors import LoopError
from feedback_loop.records import Comparison, Ranking
from feedback_loop.store.argilla_dataset import open_dataset
from feedback_loop.store.argilla_words import as_ranking, as_record, as_values, utc
from feedback_loop.store.ranking_store import RefusedError

PAGE = 200
PLAIN_NAME = re.compile(r"(?!u-)[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")


def open_store(connection_url: str, api_key: str, run_id: str, run_name: str, answers: int = 2) -> "ArgillaStore":
    """Open a run's dataset, making it where it is not there yet; LoopError in one line where Argilla cannot be used.

    `answers` is how many a comparison shows. Argilla lets no field be added later, so a run has a dataset for each number.
    """
    http = httpx.Client(
        base_url=f"{connection_url.rstrip('/')}/api/v1", headers={"X-Argilla-Api-Key": api_key}, timeout=60
    )
    store = ArgillaStore(connection_url, http, "", "", (), answers)
    store.ask("GET", "/me")
    name = f"{run_name}-{run_id}" if answers == 2 else f"{run_name}-{run_id}-{answers}"
    workspace, dataset = open_dataset(connection_url, api_key, name, answers)
    questions = store.ask("GET", f"/datasets/{dataset}/questions")["items"]
    return ArgillaStore(connection_url, http, workspace, dataset, [question["name"] for question in questions], answers)


class ArgillaStore:
    """A `RankingStore` on one Argilla dataset. One made before a question was thought of never gets it: Argilla forbids it."""

    def __init__(
        self, url: str, http: httpx.Client, workspace: str, dataset: str, questions: Collection[str], answers: int
    ) -> None:
        self.url, self.dataset, self.keeps = url, dataset, frozenset(questions)
        self._http, self._workspace, self._answers = http, workspace, answers
        self._records: dict[str, dict[str, Any]] = {}
        self._users: dict[str, dict[str, Any]] = {}

    def publish(self, comparisons: Sequence[Comparison]) -> None:
        """Make the comparisons known; those it already has are left as they are."""
        known = set(self._known_records())
        new = [as_record(c) for c in comparisons if c.id not in known]
        for start in range(0, len(new), PAGE):
            self.ask("PUT", f"/datasets/{self.dataset}/records/bulk", json={"items": new[start : start + PAGE]})
        if new:
            self._records.clear()

    def submit(self, user_id: str, ranking: Ranking) -> str:
        """Create this user's answer to the comparison, or replace it; when, by Argilla's clock."""
        record = self._record(ranking.comparison_id)
        said = as_values(record, ranking, self._answers)
        values = {name: {"value": value} for name, value in said.items() if name in self.keeps}
        item = {"record_id": record["id"], "status": ranking.status, "values": values}
        answer = self.ask("POST", "/me/responses/bulk", json={"items": [item]}, key=self._user(user_id)["api_key"])
        error = answer["items"][0].get("error")
        if error:
            raise RefusedError(
                f"Argilla at {self.url} refused the ranking of {ranking.comparison_id}: {error['detail']}"
            )
        return utc(answer["items"][0]["item"]["updated_at"])

    def withdraw(self, user_id: str, comparison_id: str) -> None:
        """Take this user's answer back, if there is one."""
        user = self._user(user_id)
        record = self.ask("GET", f"/records/{self._record(comparison_id)['id']}")
        for response in record.get("responses") or []:
            if response["user_id"] == user["id"]:
                self.ask("DELETE", f"/responses/{response['id']}", key=user["api_key"])

    def lacks(self, user_id: str, comparison_id: str) -> bool:
        """Whether the comparison is there, and of this user not even a draft of an answer to it."""
        known = self._known_records().get(comparison_id)
        if known is None:
            return False
        record, user = self.ask("GET", f"/records/{known['id']}"), self._user(user_id)
        return user["id"] not in {response["user_id"] for response in record.get("responses") or []}

    def rankings(self, round: int) -> list[Ranking]:  # noqa: A002
        """All users' answers of a round, wherever they were given; drafts are not answers yet."""
        names = {user["id"]: _user_id(user) for user in self.ask("GET", "/users")["items"]}
        found = (
            as_ranking(record, response, names.get(response["user_id"], response["user_id"]))
            for record in self._pages(include="responses")
            if (record["metadata"] or {}).get("round") == round
            for response in record.get("responses") or []
            if response["status"] in ("submitted", "discarded")
        )
        return [ranking for ranking in found if ranking is not None]

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
