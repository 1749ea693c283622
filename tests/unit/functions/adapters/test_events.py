from __future__ import annotations

import json
from typing import Any

import pytest
from bintally.adapters.events import EventBus
from bintally.domain.errors import StoreError

from tests.unit.functions.adapters.stubs import StubClient, client_error, refusing
from tests.unit.functions.aws import client


class Bus:
    """Answers as EventBridge does: one result for each entry, in the order of the entries, and no error for a refusal.

    It refuses each entry whose number in its detail is in `refusals`, that many times.
    """

    def __init__(self, refusals: dict[int, int] | None = None) -> None:
        self.accepted: list[int] = []
        self._refusals = dict(refusals or {})
        self.client = StubClient("events", put_events=self._put)

    @property
    def requests(self) -> list[list[int]]:
        return [[number_of(entry) for entry in request["Entries"]] for request in self.client.of("put_events")]

    def _put(self, Entries: Any) -> Any:  # noqa: N803
        entries = [self._result(number_of(entry)) for entry in Entries]
        return {"FailedEntryCount": sum("ErrorCode" in each for each in entries), "Entries": entries}

    def _result(self, number: int) -> dict[str, str]:
        if self._refusals.get(number, 0) > 0:
            self._refusals[number] -= 1
            return {"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"}
        self.accepted.append(number)
        return {"EventId": f"id-{number}"}


def number_of(entry: dict[str, str]) -> int:
    return int(json.loads(entry["Detail"])["event_id"])


def details(number: int) -> list[tuple[str, dict[str, object]]]:
    return [("BinCounted", {"event_id": str(index), "key": "日本/é.jpg"}) for index in range(number)]


@pytest.mark.parametrize(("number", "requests"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])])
def test_events_go_ten_to_a_request(number: int, requests: list[int]) -> None:
    bus = Bus()

    EventBus(bus.client).publish(iter(details(number)))

    assert [len(request) for request in bus.requests] == requests


def test_an_event_has_our_source_and_its_detail() -> None:
    bus = Bus()

    EventBus(bus.client).publish(details(1))

    (entry,) = bus.client.of("put_events")[0]["Entries"]
    assert (entry["Source"], entry["DetailType"]) == ("bintally", "BinCounted")
    assert json.loads(entry["Detail"]) == {"event_id": "0", "key": "日本/é.jpg"}
    assert "日本" in entry["Detail"]


def test_events_are_valid_for_eventbridge(aws: None) -> None:
    EventBus(client("events")).publish(details(11))


def test_only_the_events_that_the_bus_refused_are_sent_again() -> None:
    bus, pauses = Bus({1: 1, 3: 2}), list[int]()

    EventBus(bus.client, pauses.append).publish(details(5))

    assert bus.requests == [[0, 1, 2, 3, 4], [1, 3], [3]]
    assert sorted(bus.accepted) == [0, 1, 2, 3, 4]
    assert pauses == [0, 1]


def test_events_that_the_bus_keeps_refusing_are_an_error_after_a_bounded_number_of_attempts() -> None:
    bus, pauses = Bus({1: 99, 2: 99}), list[int]()

    with pytest.raises(StoreError, match=r"refused 2 events 5 times: ThrottlingException\."):
        EventBus(bus.client, pauses.append).publish(details(12))

    assert bus.requests == [list(range(10)), [1, 2], [1, 2], [1, 2], [1, 2]]
    assert pauses == [0, 1, 2, 3]


def test_an_unreachable_bus_is_an_error() -> None:
    stub = StubClient("events", put_events=refusing(client_error("InternalException", "PutEvents")))

    with pytest.raises(StoreError, match=r"Publishing events: .*InternalException"):
        EventBus(stub).publish(details(1))
