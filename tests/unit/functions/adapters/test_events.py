from __future__ import annotations

import json
from typing import Any

import pytest
from bintally.adapters.events import EventBus
from bintally.domain.errors import StoreError

from tests.unit.functions.adapters.stubs import StubClient, client_error, refusing
from tests.unit.functions.aws import client


def accepting() -> StubClient:
    return StubClient("events", put_events=lambda **_: {"FailedEntryCount": 0, "Entries": []})


def details(number: int) -> list[tuple[str, dict[str, object]]]:
    return [("BinCounted", {"event_id": str(index), "key": "日本/é.jpg"}) for index in range(number)]


@pytest.mark.parametrize(("number", "requests"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])])
def test_events_go_ten_to_a_request(number: int, requests: list[int]) -> None:
    stub = accepting()

    EventBus(stub).publish(iter(details(number)))

    assert [len(request["Entries"]) for request in stub.of("put_events")] == requests


def test_an_event_is_ours_and_holds_its_detail() -> None:
    stub = accepting()

    EventBus(stub).publish(details(1))

    (entry,) = stub.of("put_events")[0]["Entries"]
    assert (entry["Source"], entry["DetailType"]) == ("bintally", "BinCounted")
    assert json.loads(entry["Detail"]) == {"event_id": "0", "key": "日本/é.jpg"}
    assert "日本" in entry["Detail"]


def test_events_are_what_eventbridge_takes(aws: None) -> None:
    EventBus(client("events")).publish(details(11))


def test_an_event_that_the_bus_refused_is_an_error() -> None:
    def put_events(**_: Any) -> Any:
        return {"FailedEntryCount": 2, "Entries": []}

    with pytest.raises(StoreError, match="refused 2 of 3 events"):
        EventBus(StubClient("events", put_events=put_events)).publish(details(3))


def test_a_bus_that_does_not_answer_is_an_error() -> None:
    stub = StubClient("events", put_events=refusing(client_error("InternalException", "PutEvents")))

    with pytest.raises(StoreError, match=r"Publishing events: .*InternalException"):
        EventBus(stub).publish(details(1))
