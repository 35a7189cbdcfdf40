"""Argilla's own web pages work on the embedded server."""

from pathlib import Path

import argilla as rg
import pytest
from playwright.sync_api import Page

from feedback_loop.argilla_local import Connection
from tests.argilla_fixture import annotate_in_argilla, owner_login

pytestmark = [pytest.mark.argilla, pytest.mark.browser]


def test_a_record_can_be_annotated_in_the_browser(page: Page, argilla: Connection, argilla_places: Path):
    client = rg.Argilla(api_url=argilla.api_url, api_key=argilla.api_key)
    labels = {"first": "The first is better", "second": "The second is better"}
    settings = rg.Settings(
        fields=[rg.TextField(name="prompt", use_markdown=True)],
        questions=[rg.LabelQuestion(name="choice", labels=labels), rg.TextQuestion(name="comment", required=False)],
    )
    workspace = rg.Workspace(name="browser", client=client).create()
    dataset = rg.Dataset(name="annotate-me", workspace=workspace, settings=settings, client=client).create()
    dataset.records.log([{"prompt": "Which is better?"}])
    annotate_in_argilla(page, argilla, str(dataset.id), labels["second"], owner_login(argilla_places))
    record = next(iter(dataset.records(with_responses=True)))
    response = record.responses["choice"][0]
    assert (response.value, str(response.status.value)) == ("second", "submitted")
