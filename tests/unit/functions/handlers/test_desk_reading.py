"""What the desk shows and takes in: bins, lines, consignments, figures, files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from bintally.adapters.clients import client
from bintally.handlers import wiring
from bintally.handlers.desk_api.problems import Problem
from bintally.handlers.desk_api.taking import Content, table_of

from tests.unit.functions.examples import NOON, make_image
from tests.unit.functions.handlers.desk import Reply, ask, desk_environment, fill

HOSTILE = "P-17, <b>/é\u202e&#"


@pytest.fixture(autouse=True)
def desk(on_aws: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with desk_environment(monkeypatch):
        yield


def get(path: str, role: str = "viewer", headers: dict[str, str] | None = None, **query: str) -> Reply:
    text = "&".join(f"{name}={quote(value, '')}" for name, value in query.items())
    return ask("GET", path, role, query=text, headers=headers or {})


def decided(bin_id: str, count: int = 2) -> None:
    found = wiring.dependencies().bins.read([bin_id])[bin_id]
    wanted = {"decision_id": "d-1", "bin_id": bin_id, "image_id": found.image.image_id, "count": count, "seconds": 2.0}
    assert ask("POST", "/api/decisions", "counter", json=wanted, headers={"If-Match": "*"}).status == 200


def test_a_bin_shows_its_history() -> None:
    first, _ = fill(2)
    wiring.dependencies().ledger.register([wiring.dependencies().bins.read([first])[first].image], "job", NOON)
    decided(first)

    found = get("/api/bin", id=first).body

    assert [each["kind"] for each in found["moments"]].count("decision") == 1
    assert (found["decided"]["count"], found["shown"]["model"]["count"], found["etag"]) == (2, 3, '"2"')
    assert [each["who"] for each in found["decisions"]] == ["ann"]
    assert get("/api/bin", id=f" {first} ").body["bin_id"] == first
    assert get("/api/bin", id="unknown").status == 404


def test_a_counter_sees_no_number_before_the_answer() -> None:
    (bin_id,) = fill(1)
    image = wiring.dependencies().bins.read([bin_id])[bin_id].image
    wiring.dependencies().ledger.register([image], "job", NOON)

    blinded = get("/api/bin", "counter", id=bin_id).body

    assert (blinded["shown"], [each["kind"] for each in blinded["moments"]]) == (None, ["photo"])
    assert get("/api/bin", "supervisor", id=bin_id).body["shown"]
    assert get("/api/bin", "counter viewer", id=bin_id).body["shown"], "who sees all lines anyway"
    decided(bin_id)
    assert get("/api/bin", "counter", id=bin_id).body["shown"]


def test_a_photo_has_a_new_address() -> None:
    image = make_image(f"{HOSTILE}/x.jpg")
    wiring.dependencies().ledger.register([image], "job", NOON)

    assert "X-Amz-Signature" in get("/api/photo", "counter", id=image.image_id).body["url"]
    assert get("/api/photo", id="unknown").status == 404
    assert ask("GET", "/api/photo", "viewer").status == 422


def test_lines_come_page_by_page_and_by_verdict() -> None:
    fill(3)
    first = get("/api/lines", limit="2").body
    second = get("/api/lines", limit="2", after=first["next"]).body

    assert [line["bin_id"] for line in first["lines"] + second["lines"]] == ["bin-0000", "bin-0001", "bin-0002"]
    assert second["next"] is None
    assert len(get("/api/lines", verdict="UNCERTAIN").body["lines"]) == 3
    assert get("/api/lines", verdict="SHORT").body["lines"] == get("/api/lines", group="act").body["lines"] == []
    assert get("/api/lines", overdue="true").body["lines"] == []
    assert [get("/api/lines", after=text).status for text in ("x", "W10=", "WyIiLDEsMl0=", "bnVsbA==")] == [422] * 4
    assert [get("/api/lines", **{name: "x"}).status for name in ("group", "verdict", "limit")] == [422] * 3


def test_what_has_not_changed_is_not_sent_again() -> None:
    fill(1)
    etag = get("/api/lines").headers["etag"]

    same = get("/api/lines", headers={"If-None-Match": etag})
    assert (same.status, same.headers["etag"]) == (304, etag)
    fill(2)
    assert get("/api/lines", headers={"If-None-Match": etag}).status == 200


def test_an_id_may_hold_commas_slashes_and_markup() -> None:
    image = make_image(f"{HOSTILE.replace('/', '_')}/x.jpg")
    wiring.dependencies().ledger.register([image], "job", NOON)

    assert get("/api/bin", id=image.bin_id).body["bin_id"] == image.bin_id


def test_today_counts_what_was_done_and_what_waits() -> None:
    first, _ = fill(2)
    decided(first)

    found = get("/api/today", "counter").body

    assert found["waiting"] == {"look": 2, "act": 0}, "the stream has not brought the decision to the line"
    assert (found["looks"]["done"], found["looks"]["differ_from_order"]) == (1, 1)
    assert found["effort"] == {"looks": 2, "minutes": 0.1}


def test_audits_say_how_often_lines_are_wrong() -> None:
    none = get("/api/audits", "counter").body
    assert (none["audits"], none["leak_bound"]) == (0, 1.0)

    (bin_id,) = fill(1, audit_share=0.9999)
    wanted = {"decision_id": "d-1", "bin_id": bin_id, "image_id": photo_of(bin_id), "count": 2, "blind": True}
    assert ask("POST", "/api/decisions", "counter", json=wanted, headers={"If-Match": "*"}).status == 200

    found = get("/api/audits", "counter").body
    assert (found["days"], found["audits"], found["wrong"]) == (30, 1, 1)


@pytest.mark.parametrize("what", [Content.LINES, Content.DECISIONS])
def test_a_table_with_too_many_rows_is_refused_and_not_cut(what: Content) -> None:
    for bin_id in fill(3):
        decided(bin_id)
    today = datetime.now(UTC).date()

    assert len(list(table_of(what, today, 3)[1])) == 3
    with pytest.raises(Problem, match="bintally export"):
        table_of(what, today, 2)


def photo_of(bin_id: str) -> str:
    return wiring.dependencies().bins.read([bin_id])[bin_id].image.image_id


def rows(**query: str) -> list[dict[str, str]]:
    reply = get("/api/export.csv", **query)
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.headers["content-disposition"].startswith('attachment; filename="bintally-')
    return list(csv.DictReader(reply.body.splitlines()))


def test_csv_has_lines_decisions_and_adjustments() -> None:
    first, _ = fill(2)
    decided(first)
    today = datetime.now(UTC).date().isoformat()

    assert [row["bin_id"] for row in rows()] == ["bin-0000", "bin-0001"]
    assert [row["count"] for row in rows(what="decisions", day=today)] == ["2"]
    assert [row["difference"] for row in rows(what="adjustments")] == ["-1"]
    assert rows(what="decisions", day="2020-01-01") == []
    assert [get("/api/export.csv", **{name: "x"}).status for name in ("what", "day")] == [422, 422]


def test_a_browser_uploads_photos_and_asks_how_far_they_are(on_aws: dict[str, str]) -> None:
    wanted = {"files": [{"key": f"{HOSTILE}/x.jpg", "size": 3}, {"key": "P-1/x", "size": 3}]}

    first, second = ask("POST", "/api/uploads", "counter", json=wanted).body["uploads"]

    assert "X-Amz-Signature" in first["url"]
    assert "content-length" in first["url"], "no other size can be sent"
    assert [each["headers"]["Content-Type"] for each in (first, second)] == ["image/jpeg", "application/octet-stream"]
    image = make_image("P-1/x", version="v-1")
    known = {**vars(image), "bucket": on_aws["INTAKE_BUCKET"]}
    image = type(image)(**{name: known[name] for name in image.__dataclass_fields__})
    wiring.dependencies().ledger.register([image], "job", NOON)
    asked = {"photos": [{"key": "P-1/x", "version_id": "v-1"}, {"key": "P-2/x", "version_id": "v-1"}]}
    found = ask("POST", "/api/photos", "counter", json=asked).body["photos"]
    assert [(each["bin_id"], each["status"]) for each in found] == [("P-1", "SUBMITTED"), ("P-2", "WAITING")]


@pytest.mark.parametrize(("key", "size"), [("é" * 600, 1), ("bintally-canary-1/x", 1), ("a", 0), ("a", 10**9)])
def test_other_files_are_refused(key: str, size: int) -> None:
    assert ask("POST", "/api/uploads", "counter", json={"files": [{"key": key, "size": size}]}).status == 422


ORDERS = "consignment_id,bin_id,expected\nC-1,P-1,3\nC-1,P-2,many\n"


def test_orders_are_shown_before_they_are_imported(on_aws: dict[str, str]) -> None:
    def send(preview: bool, text: str = ORDERS) -> Reply:
        query = f"preview={str(preview).lower()}"
        return ask("POST", "/api/orders", "supervisor", json={"name": "o.csv", "text": text}, query=query)

    shown = send(True).body
    assert (shown["number"], shown["refused"], shown["imported"]) == (1, 1, False)
    assert shown["errors"][0]["row"] == 3
    assert shown["lines"] == [{"consignment_id": "C-1", "bin_id": "P-1", "expected": 3, "due_at": None}]
    assert "Contents" not in client("s3").list_objects_v2(Bucket=on_aws["ORDERS_BUCKET"])

    assert send(False).body["imported"]
    stored = client("s3").get_object(Bucket=on_aws["ORDERS_BUCKET"], Key="desk/o.csv")
    assert (stored["Body"].read().decode(), stored["Metadata"]) == (ORDERS, {"bintally-mode": "replace"})
    assert send(False, "nonsense").status == 422
    assert send(True, "nonsense").body["refused"] == 1
