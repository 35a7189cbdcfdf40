"""The real server's searches, through the SDK and the REST API that its web UI uses."""

from types import SimpleNamespace

import argilla as rg
import httpx
import pytest

from feedback_loop.argilla_local import Connection

pytestmark = [pytest.mark.argilla]

TEXTS = {
    "cat": "The Cat sat on the mat",
    "category": "A category of things",
    "ru": "Мой кот спит дома",
    "ru-other": "Который час? Котлета.",
    "zh": "我喜欢学习Python编程",
    "zh-other": "天气很好",
    "dash": "A state-of-the-art cat; STRASSE",
    "hi": "हिन्दी किताब",
}


@pytest.fixture(scope="module")
def world(argilla: Connection):
    """A dataset with records of known texts, numbers, suggestions and vectors; and a second user."""
    client = rg.Argilla(api_url=argilla.api_url, api_key=argilla.api_key)
    workspace = rg.Workspace(name="search", client=client).create()
    other = rg.User(username="second", password="a-long-password", role="annotator", client=client).create()
    workspace.add_user(other)
    settings = rg.Settings(
        fields=[rg.TextField(name="text"), rg.TextField(name="note", required=False)],
        questions=[
            rg.LabelQuestion(name="choice", labels=["first", "second", "tie"]),
            rg.RatingQuestion(name="stars", values=[1, 2, 3, 4, 5], required=False),
        ],
        metadata=[rg.TermsMetadataProperty("kind"), rg.IntegerMetadataProperty("n"), rg.FloatMetadataProperty("x")],
        vectors=[rg.VectorField(name="v", dimensions=2)],
        distribution=rg.TaskDistribution(min_submitted=2),
    )
    dataset = rg.Dataset(name="texts", workspace="search", settings=settings, client=client).create()
    dataset.records.log([
        rg.Record(
            id=name,
            fields={"text": text, "note": "noted" if i == 0 else "plain"},
            metadata={"kind": name[:2], "n": i, "x": i / 2} if i < 7 else {},
            vectors={"v": [1.0, float(i)]},
            suggestions=[rg.Suggestion("choice", "first" if i % 2 else "tie", score=i / 10, agent=f"a{i % 3}")],
        )
        for i, (name, text) in enumerate(TEXTS.items())
    ])  # fmt: skip
    users = {u["username"]: u for u in _get(argilla, argilla.api_key, "users")["items"]}
    keys = {"owner": argilla.api_key, "second": users["second"]["api_key"]}
    return SimpleNamespace(argilla=argilla, client=client, dataset=dataset, keys=keys)


def _get(argilla: Connection, key: str, path: str) -> dict:
    reply = httpx.get(f"{argilla.api_url}/api/v1/{path}", headers={"X-Argilla-Api-Key": key})
    reply.raise_for_status()
    return reply.json()


def found(world, query: str | None = None, where=None) -> set[str]:
    """Record ids that the SDK finds."""
    wanted = rg.Query(query=query, filter=rg.Filter(where) if where else None)
    return {record.id for record in world.dataset.records(wanted)}


def page(world, user: str = "owner", offset: int = 0, limit: int = 50, **body) -> tuple[list[str], int]:
    """Ids and total as the web UI sees them for one user."""
    reply = httpx.post(
        f"{world.argilla.api_url}/api/v1/me/datasets/{world.dataset.id}/records/search",
        params={"offset": offset, "limit": limit},
        headers={"X-Argilla-Api-Key": world.keys[user]},
        json=body,
    )
    assert reply.status_code == 200, reply.text
    result = reply.json()
    return [item["record"]["external_id"] for item in result["items"]], result["total"]


def filters(*wanted: dict) -> dict:
    return {"and": list(wanted)}


def terms(scope: dict, *values: str) -> dict:
    return {"type": "terms", "scope": scope, "values": list(values)}


def submit(world, user: str, name: str, status: str = "submitted", stars: int = 3) -> None:
    record = next(iter(world.dataset.records(rg.Query(filter=rg.Filter(("id", "==", name))))))
    reply = httpx.post(
        f"{world.argilla.api_url}/api/v1/records/{record._server_id}/responses",
        headers={"X-Argilla-Api-Key": world.keys[user]},
        json={"status": status, "values": {"choice": {"value": "first"}, "stars": {"value": stars}}},
    )
    assert reply.status_code == 201, reply.text


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("cat", {"cat", "dash"}),
        ("CAT mat", {"cat"}),
        ("cat*", {"cat", "category", "dash"}),
        ("cat -mat", {"dash"}),
        ("mat | things", {"cat", "category"}),
        ('"sat on"', {"cat"}),
        ('"on sat"', set()),
        ("state-of-the-art", {"dash"}),
        ("straße", {"dash"}),
        ("кот", {"ru"}),
        ("КОТ дома", {"ru"}),
        ("学习", {"zh"}),
        ("习学", set()),
        ("python", {"zh"}),
        ("किताब", {"hi"}),
        ("कि", set()),
        ("noted", {"cat"}),
        ("absent", set()),
    ],
)
def test_text_search_finds_whole_words_in_any_script(world, query: str, ids: set[str]):
    assert found(world, query) == ids


def test_text_search_may_look_at_one_field(world):
    assert page(world, query={"text": {"q": "noted", "field": "note"}})[0] == ["cat"]
    assert page(world, query={"text": {"q": "noted", "field": "text"}}) == ([], 0)


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ([("metadata.kind", "in", ["zh"])], {"zh", "zh-other"}),
        ([("metadata.n", ">=", 2), ("metadata.n", "<=", 3)], {"ru", "ru-other"}),
        ([("metadata.x", "<=", 0.5)], {"cat", "category"}),
        ([("metadata.kind", "in", ["zh"]), ("metadata.n", ">=", 5)], {"zh-other"}),
        ([("choice.suggestion", "==", "first")], {"category", "ru-other", "zh-other", "hi"}),
        ([("choice.score", ">=", 0.55)], {"dash", "hi"}),
        ([("choice.agent", "==", "a2")], {"ru", "zh-other"}),
        ([("id", "in", ["cat", "hi"])], {"cat", "hi"}),
    ],
)
def test_filters_of_the_sdk(world, wanted, ids: set[str]):
    assert found(world, where=wanted) == ids


def test_a_metadata_list_and_a_query_meet(world):
    assert found(world, "cat", [("metadata.n", ">=", 1)]) == {"dash"}


def test_sort_by_metadata_puts_records_without_it_last(world):
    scope = {"entity": "metadata", "metadata_property": "n"}
    names = list(TEXTS)
    assert page(world, sort=[{"scope": scope, "order": "asc"}])[0] == names
    assert page(world, sort=[{"scope": scope, "order": "desc"}])[0] == [*names[6::-1], "hi"]
    assert page(world, sort=[{"scope": {"entity": "record", "property": "inserted_at"}, "order": "asc"}])[0][0] == "cat"


def test_pages_are_parts_of_one_order_with_the_full_total(world):
    whole, total = page(world)
    parts = [page(world, offset=o, limit=3) for o in (0, 3, 6)]
    assert [name for part, _ in parts for name in part] == whole
    assert {t for _, t in parts} == {total} == {len(TEXTS)}


def test_each_user_has_an_order_of_their_own_that_stays(world):
    assert page(world) == page(world)
    assert page(world)[0] != page(world, "second")[0]
    assert set(page(world)[0]) == set(page(world, "second")[0])


def test_similarity_from_a_vector_and_from_a_record(world):
    near = page(world, query={"vector": {"name": "v", "value": [1.0, 2.0]}}, limit=3)
    assert near[0][0] == "ru"
    assert near[1] == 3
    far = page(world, query={"vector": {"name": "v", "value": [1.0, 0.0], "order": "least_similar"}}, limit=2)
    assert far[0] == ["hi", "dash"]
    record = next(iter(world.dataset.records(rg.Query(filter=rg.Filter(("id", "==", "cat"))))))
    like = rg.Query(similar=rg.Similar("v", record))
    assert next(r.id for r, _ in world.dataset.records(like)) == "category"


def test_similarity_respects_filters_and_text(world):
    only = filters(terms({"entity": "metadata", "metadata_property": "kind"}, "zh"))
    body = {"query": {"vector": {"name": "v", "value": [1.0, 0.0]}}, "filters": only}
    assert page(world, **body)[0] == ["zh", "zh-other"]
    body["query"]["text"] = {"q": "python"}
    assert page(world, **body)[0] == ["zh"]


def test_metrics_of_metadata(world):
    found_ = {
        p["name"]: _get(world.argilla, world.keys["owner"], f"metadata-properties/{p['id']}/metrics")
        for p in _get(world.argilla, world.keys["owner"], f"me/datasets/{world.dataset.id}/metadata-properties")[
            "items"
        ]
    }
    assert (found_["n"]["min"], found_["n"]["max"]) == (0, 6)
    assert found_["x"]["max"] == 3.0
    assert {v["term"]: v["count"] for v in found_["kind"]["values"]} == {"ca": 2, "ru": 2, "zh": 2, "da": 1}


def test_responses_drive_status_filters_orders_and_progress(world):
    submit(world, "owner", "cat", stars=5)
    submit(world, "owner", "ru", stars=1)
    submit(world, "second", "cat", stars=2)
    submit(world, "second", "zh", "discarded")
    status = {"entity": "response", "property": "status"}
    assert set(page(world, filters=filters(terms(status, "submitted")))[0]) == {"cat", "ru"}
    assert page(world, filters=filters(terms(status, "pending")))[1] == len(TEXTS) - 2
    assert set(page(world, "second", filters=filters(terms(status, "discarded")))[0]) == {"zh"}
    assert page(world, "second", filters=filters(terms(status, "pending", "discarded")))[1] == len(TEXTS) - 1
    stars = {"entity": "response", "question": "stars"}
    assert page(world, filters=filters(terms(stars, "5")))[0] == ["cat"]
    assert page(world, filters=filters({"type": "range", "scope": stars, "le": 2}))[0] == ["ru"]
    assert page(world, sort=[{"scope": stars, "order": "asc"}])[0][:2] == ["ru", "cat"]
    assert found(world, where=[("status", "==", "completed")]) == {"cat"}
    assert found(world, where=[("response.status", "==", "submitted")]) == {"cat", "ru"}
    mine = _get(world.argilla, world.keys["second"], f"me/datasets/{world.dataset.id}/metrics")["responses"]
    assert mine == {"total": len(TEXTS), "submitted": 1, "discarded": 1, "draft": 0, "pending": len(TEXTS) - 2}
    team = _get(world.argilla, world.keys["owner"], f"datasets/{world.dataset.id}/progress")
    assert (team["total"], team["completed"], team["pending"]) == (len(TEXTS), 1, len(TEXTS) - 1)


def test_z_deleted_records_are_found_no_more(world):
    record = next(iter(world.dataset.records(rg.Query(filter=rg.Filter(("id", "==", "dash"))))))
    world.dataset.records.delete([record])
    assert found(world, "cat") == {"cat"}
