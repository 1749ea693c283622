"""Consignments at the desk, and what supervisors do about their lines."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from bintally.domain.attention import Group
from bintally.domain.image import Image, Status
from bintally.domain.transitions import Completion
from bintally.handlers import wiring

from tests.unit.functions.examples import NOON
from tests.unit.functions.handlers.desk import Reply, ask, desk_environment, fill


@pytest.fixture(autouse=True)
def desk(on_aws: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with desk_environment(monkeypatch):
        yield


def get(path: str, **query: str) -> Reply:
    return ask("GET", path, "viewer", query="&".join(f"{name}={quote(value, '')}" for name, value in query.items()))


def photo_of(bin_id: str) -> Image:
    return wiring.dependencies().bins.read([bin_id])[bin_id].image


def test_a_consignment_has_all_its_lines() -> None:
    fill(2)

    found = get("/api/consignment", id="C-1").body

    assert (found["verdict"], found["tally"], len(found["lines"])) == ("UNCERTAIN", {"UNCERTAIN": 2}, 2)
    assert get("/api/consignment", id="C-9").status == 404


def test_a_supervisor_accepts_a_difference() -> None:
    (bin_id,) = fill(1, Group.ACT)
    wanted = {"consignment_id": "C-1", "bin_id": bin_id, "reason_code": "damaged"}
    assert ask("POST", "/api/accept", "counter", json=wanted).status == 403

    line = ask("POST", "/api/accept", "supervisor", json=wanted).body

    assert (line["accepted"]["by"], line["accepted"]["reason_code"]) == ("ann", "damaged")
    assert get("/api/lines", group="act").body["lines"] == []
    assert ask("POST", "/api/accept", "supervisor", json=wanted).body == line, "twice is once"
    assert ask("POST", "/api/accept", "supervisor", json=wanted | {"bin_id": "x"}).status == 404
    assert ask("POST", "/api/accept", "supervisor", json=wanted | {"reason_code": "a\nb"}).status == 422


def test_what_nobody_looked_at_is_not_accepted() -> None:
    (bin_id,) = fill(1)

    reply = ask(
        "POST", "/api/accept", "supervisor", json={"consignment_id": "C-1", "bin_id": bin_id, "reason_code": "x"}
    )

    assert (reply.status, reply.body["code"]) == (409, "conflict")


def test_a_line_has_its_photo_and_who_counted_it() -> None:
    first, _ = fill(2)
    wanted = {"decision_id": "d-1", "bin_id": first, "image_id": photo_of(first).image_id, "count": 2}
    assert ask("POST", "/api/decisions", "counter", json=wanted, headers={"If-Match": "*"}).status == 200

    lines = {line["bin_id"]: line for line in get("/api/consignment", id="C-1").body["lines"]}

    assert lines[first]["image_id"] == photo_of(first).image_id
    assert "X-Amz-Signature" in lines[first]["photo"]["url"]
    assert (lines[first]["decided"]["who"], lines[first]["decided"]["count"]) == ("ann", 2)
    assert [line["etag"] for line in lines.values()] == ['"2"', '"1"']


def test_consignments_that_wait_are_listed() -> None:
    assert get("/api/consignments").body == {"consignments": [], "complete": True}
    fill(2)
    fill(1, Group.ACT)

    (found,) = get("/api/consignments").body["consignments"]

    assert (found["consignment_id"], found["verdict"], found["look"], found["act"]) == ("C-1", "UNCERTAIN", 1, 1)


def test_a_supervisor_has_a_photo_counted_again() -> None:
    (bin_id,) = fill(1)
    image, ledger = photo_of(bin_id), wiring.dependencies().ledger
    ledger.register([image], "job", NOON)
    wanted = {"bin_id": bin_id, "image_id": image.image_id}
    assert ask("POST", "/api/recount", "counter", json=wanted).status == 403
    assert ask("POST", "/api/recount", "supervisor", json=wanted).status == 409, "it is being counted"
    ledger.complete([Completion(image.image_id, Status.COUNTED, "", None)], "job", NOON)

    assert ask("POST", "/api/recount", "supervisor", json=wanted | {"bin_id": "other"}).status == 404
    assert ask("POST", "/api/recount", "supervisor", json=wanted | {"image_id": "other"}).status == 404
    assert ask("POST", "/api/recount", "supervisor", json=wanted).body == {"image_id": image.image_id}

    assert ledger.read([image.image_id])[image.image_id].status is Status.RECEIVED
    assert ask("POST", "/api/recount", "supervisor", json=wanted).status == 409, "once is enough"
