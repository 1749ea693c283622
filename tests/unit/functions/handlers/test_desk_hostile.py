"""Whatever is sent to the desk, it answers: the request is refused, or it is harmless."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from bintally.handlers.desk_api.access import ACCESS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.functions.aws import empty_stack
from tests.unit.functions.examples import HOSTILE_KEYS
from tests.unit.functions.handlers.conftest import functions_environment
from tests.unit.functions.handlers.desk import ask, desk_environment, fill

BINS = ["bin-0000", "bin-0001"]
texts = st.one_of(st.sampled_from([*BINS, *HOSTILE_KEYS, "", "C-1", "\ud800", "x" * 3000]), st.text(max_size=20))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
values = st.recursive(scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner)))
NAMES = ["bin_id", "bin_ids", "decision_id", "image_id", "count", "cannot_tell", "seconds", "reason_code", "blind",
         "limit", "files", "photos", "name", "text", "add", "key", "size", "version_id", "consignment_id"]  # fmt: skip
bodies = st.one_of(values, st.dictionaries(st.sampled_from(NAMES), values, max_size=6))
QUERIES = ["id", "group", "verdict", "overdue", "limit", "after", "what", "day", "preview"]
queries = st.dictionaries(st.sampled_from(QUERIES), texts.map(lambda text: text.replace("\ud800", "?")), max_size=3)


@pytest.fixture(scope="module", autouse=True)
def desk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, empty_stack(), functions_environment(patch), desk_environment(patch):
        fill(2)
        yield


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(route=st.sampled_from(sorted(ACCESS)), body=bodies, query=queries, etag=texts)
def test_no_request_is_an_error_of_the_desk(
    route: tuple[str, str], body: Any, query: dict[str, str], etag: str
) -> None:
    method, path = route
    more = {"json": json.dumps(body)} if method == "POST" else {}

    reply = ask(method, path, "supervisor", query=urlencode(query), headers={"If-Match": etag}, **more)

    assert reply.status in (200, 403, 404, 409, 412, 422, 428)
    if reply.status != 200:
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.body["status"] == reply.status
    assert "\r" not in "".join(reply.headers.values())
