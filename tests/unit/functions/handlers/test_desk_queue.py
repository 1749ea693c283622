"""The desk: what the queue has besides bins that wait: photos that were counted already, and probable matches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bintally.domain.decisions import Decision
from bintally.domain.risk import Odds
from bintally.domain.times import iso
from bintally.domain.verdicts import Finding, Verdict
from bintally.handlers import wiring
from bintally.handlers.desk_api import settings
from bintally.usecases.decide import decide

from tests.unit.functions.examples import counted, make_image
from tests.unit.functions.handlers.desk import Reply, ask, desk_environment, fill

HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture(autouse=True)
def desk(on_aws: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with desk_environment(monkeypatch):
        monkeypatch.setenv("DESK_CHECK_SHARE", "1")
        yield


def check(name: str = "bob", count: int = 3) -> dict[str, Any]:
    """What the queue has after its first bin, once somebody has counted bin D-1."""
    fill(1)
    image = make_image("D-1/1.jpg")
    wiring.dependencies().bins.record([counted(image)], iso(HOUR_AGO))
    decide(wiring.dependencies(), Decision("D-1", "d-1", image.image_id, "ann", "", count, blind=True), now=HOUR_AGO)
    found: dict[str, Any] = ask("POST", "/api/queue", "counter", name=name, json={"limit": 1}).body["items"][1]
    return found


def answer(item: dict[str, Any], name: str = "bob", **changes: Any) -> Reply:
    said = {"after": item["after"], "bin_id": item["bin_id"], "image_id": item["image_id"], "count": 4, "seconds": 2.5}
    return ask("POST", "/api/checks", "counter", name=name, json=said | changes)


def figures(role: str) -> Any:
    return ask("GET", "/api/checks", role).body


def test_a_check_looks_like_any_other_bin_and_is_always_blind() -> None:
    item = check()
    [first, second] = ask("POST", "/api/queue", "counter", name="bob", json={"limit": 1}).body["items"]

    assert (item["bin_id"], item["shown"], item["after"]) == ("D-1", None, first["image_id"])
    assert set(first) == set(second)
    assert first["after"] is None


def test_the_answer_says_what_was_known_and_changes_no_count() -> None:
    item = check()

    reply = answer(item)

    assert (reply.status, reply.body) == (200, {"known": 3, "basis": "other"})
    bin_ = ask("GET", "/api/bin", "supervisor", query="id=D-1").body
    assert (bin_["etag"], bin_["decided"]["who"], bin_["decided"]["count"]) == (item["etag"], "ann", 3)
    assert len(bin_["decisions"]) == 1


def test_a_supervisor_sees_who_differs_and_where() -> None:
    answer(check())

    seen = figures("supervisor")

    nothing = {"answered": 0, "same": 0, "cannot_tell": 0}
    assert seen["by_basis"] == {"known": nothing, "other": {**nothing, "answered": 1}, "own": nothing}
    assert seen["by_person"] == [{"who": "bob", "answered": 1, "same": 0, "cannot_tell": 0}]
    [differing] = seen["differing"]
    assert (differing["who"], differing["bin_id"], differing["count"], differing["known"]) == ("bob", "D-1", 4, 3)


@pytest.mark.parametrize("role", ["viewer", "counter"])
def test_others_see_how_often_people_agree_and_not_who(role: str) -> None:
    answer(check())

    seen = figures(role)

    assert seen["by_basis"]["other"]["answered"] == 1
    assert seen["by_person"] == seen["differing"] == []


def test_an_answer_that_agrees_or_can_not_tell_differs_from_nothing() -> None:
    item = check()
    for changes in ({"count": None, "cannot_tell": True}, {"count": 3}):
        assert answer(item, **changes).status == 200

    assert figures("supervisor")["by_person"] == [{"who": "bob", "answered": 1, "same": 1, "cannot_tell": 0}]
    assert figures("supervisor")["differing"] == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"cannot_tell": True}, 422),
        ({"count": None}, 422),
        ({"count": -1}, 422),
        ({"seconds": "2"}, 422),
        ({"bin_id": "unknown"}, 404),
        ({"image_id": "unknown"}, 404),
        ({"decision_id": "d-2"}, 422),
    ],
)
def test_an_answer_to_nothing_that_was_asked_is_refused(changes: dict[str, Any], status: int) -> None:
    assert answer(check(), **changes).status == status
    assert figures("supervisor")["by_person"] == []


def test_where_people_see_the_numbers_nothing_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    item = check()
    monkeypatch.setenv("DESK_BLIND", "off")
    settings.desk_settings.cache_clear()

    assert len(ask("POST", "/api/queue", "counter", name="bob", json={"limit": 1}).body["items"]) == 1
    assert answer(item).status == 404


def test_a_supervisor_gets_probable_matches_with_their_numbers() -> None:
    bin_id, _ = fill(2)
    tables = wiring.dependencies()
    [line] = tables.orders.read(tables.orders.of_bins([bin_id])).values()
    probable = Finding(Verdict.UNCERTAIN, "?", 3, odds=Odds(0.1, 0.1), attention=line.attention)
    tables.orders.judge([(line, probable, 1)], iso(HOUR_AGO))

    reply = ask("POST", "/api/queue/probable", "supervisor", json={"limit": 12})

    assert [item["bin_id"] for item in reply.body["items"]] == [bin_id]
    assert [each["expected"] for each in reply.body["items"][0]["shown"]["expected"]] == [3]
    left = ask("POST", "/api/queue/probable", "supervisor", json={"limit": 12, "without": [bin_id]})
    assert left.body["items"] == []
    assert ask("POST", "/api/queue/probable", "counter", json={"limit": 12}).status == 403
