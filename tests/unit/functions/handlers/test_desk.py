"""The desk: who may use which route, and what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from bintally.adapters.clients import client
from bintally.handlers import wiring
from bintally.handlers.desk_api.access import ACCESS, ANYBODY, Role, user_of
from bintally.handlers.desk_api.app import api
from bintally.handlers.desk_api.settings import LOCAL

from tests.template.deployed import stack
from tests.unit.functions.examples import NOON, order_line
from tests.unit.functions.handlers.desk import Reply, ask, desk_environment, fill, request
from tests.unit.functions.handlers.lambdas import refused_by_sagemaker

ROLES = [None, "", *Role]
PROBLEM = "application/problem+json"


@pytest.fixture(autouse=True)
def desk(on_aws: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with desk_environment(monkeypatch):
        yield


def item(role: str = "counter", **more: Any) -> dict[str, Any]:
    """The next bin of the queue."""
    found: dict[str, Any] = ask("POST", "/api/queue", role, json={"limit": 1}, **more).body["items"][0]
    return found


def decide(item: dict[str, Any], decision_id: str = "d-1", count: int = 2, **more: Any) -> Reply:
    wanted = {"decision_id": decision_id, "bin_id": item["bin_id"], "image_id": item["image_id"], "count": count}
    headers = {"If-Match": item["etag"]} | more.pop("headers", {})
    return ask("POST", "/api/decisions", "counter", json=wanted | more.pop("changes", {}), headers=headers, **more)


# ---- Who may do what


def test_every_route_is_in_the_table_of_access_and_every_entry_is_a_route() -> None:
    routes = {(route.method, route.path) for route in api()._static_routes}

    assert not api()._dynamic_routes, "ids may hold slashes, so no path has a part that varies"
    assert routes == set(ACCESS)


@pytest.mark.parametrize(("method", "path"), sorted(ACCESS))
@pytest.mark.parametrize("role", ROLES)
def test_a_route_is_denied_to_whom_the_table_does_not_name(method: str, path: str, role: str | None) -> None:
    needed = ACCESS[method, path]
    allowed = needed is ANYBODY or (role is not None and (not needed or role in needed))
    reply = ask(method, path, role, json={} if method == "POST" else None)

    denied = 401 if role is None else 403
    assert (reply.status == denied) is not allowed
    if not allowed:
        assert reply.headers["content-type"] == PROBLEM
        assert reply.body["code"] in ("unauthenticated", "forbidden")


@pytest.mark.parametrize("path", ["/api/", "/api/unknown", "/api/me/", "/api//me", "/api/ME", "/api/../api/queue"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_what_the_table_does_not_name_does_not_exist(method: str, path: str) -> None:
    assert ask(method, path).status == 401
    assert ask(method, path, "supervisor").status == 404


@pytest.mark.parametrize(
    ("claims", "roles"),
    [
        ({"cognito:groups": "[counter viewer]"}, {Role.COUNTER, Role.VIEWER}),
        ({"cognito:groups": "[counter, viewer]"}, {Role.COUNTER, Role.VIEWER}),
        ({"cognito:groups": "[supervisors counter2]"}, set()),
        ({}, set()),
    ],
)
def test_roles_are_the_groups_of_the_user(claims: dict[str, str], roles: set[Role]) -> None:
    event = request("GET", "/api/me", "")
    event["requestContext"]["authorizer"]["jwt"]["claims"] = {"token_use": "access", "username": "ann", **claims}

    user = user_of(event)

    assert user
    assert user.roles == roles


@pytest.mark.parametrize("claims", [{"token_use": "id", "cognito:username": "ann"}, {"token_use": "access"}, {}])
def test_only_an_access_token_with_a_name_is_a_user(claims: dict[str, str]) -> None:
    event = request("GET", "/api/me", "")
    event["requestContext"]["authorizer"]["jwt"]["claims"] = claims

    assert user_of(event) is None


def test_who_one_is() -> None:
    assert ask("GET", "/api/me", "").body == {"name": "ann", "role": None, "roles": []}
    expected = {"name": "ann", "role": "supervisor", "roles": ["supervisor", "viewer"]}
    assert ask("GET", "/api/me", "viewer supervisor").body == expected


def test_how_to_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    config = ask("GET", "/api/config").body
    origin = "https://bintally-desk-000000000000.auth.us-east-1.amazoncognito.com"

    assert config["client_id"] == stack().outputs["DeskClient"]
    assert (config["authorize_url"], config["blind"]) == (f"{origin}/oauth2/authorize", True)
    monkeypatch.setenv(LOCAL, "http://127.0.0.1:4566")
    assert ask("GET", "/api/config").body["token_url"] == "/oauth2/token"


def test_the_schema_describes_every_route() -> None:
    schema = ask("GET", "/api/openapi.json", "viewer").body
    described = {(method.upper(), path) for path, methods in schema["paths"].items() for method in methods}

    assert described == set(ACCESS) - {("GET", "/api/openapi.json")}


# ---- The review


def test_a_bin_is_looked_at_blind_and_then_everything_is_shown() -> None:
    (bin_id,) = fill(1)
    waiting = item()
    assert waiting["shown"] is None
    assert "X-Amz-Signature" in waiting["photo"]["url"]
    assert "response-content-type=image%2Fjpeg" in waiting["photo"]["url"]

    reply = decide(waiting, changes={"seconds": 1.5, "blind": True})

    assert (reply.status, reply.headers["etag"]) == (200, reply.body["etag"])
    assert (reply.body["decision"]["who"], reply.body["decision"]["blind"]) == ("ann", True)
    (line,) = reply.body["shown"]["expected"]
    assert (line["expected"], line["verdict"]) == (3, "SHORT")
    assert reply.body["shown"]["model"]["count"] == 3
    assert reply.body["is_current"]
    assert decide(waiting, changes={"seconds": 1.5, "blind": True}) == reply, "sent twice, stored once"
    assert ask("POST", "/api/queue", "counter", json={}).body["items"] == []
    assert bin_id == waiting["bin_id"]


def test_without_blind_review_all_is_shown_before_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(1)
    monkeypatch.setenv("DESK_BLIND", "off")

    waiting = item()
    reply = decide(waiting, changes={"blind": True})

    assert waiting["shown"]["expected"][0]["expected"] == 3
    assert not reply.body["decision"]["blind"], "whatever the client says"


def test_an_audit_is_looked_at_blind_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(1, audit_share=1.0)
    monkeypatch.setenv("DESK_BLIND", "off")

    waiting = item()

    assert waiting["shown"] is None
    assert decide(waiting, changes={"blind": True}).body["decision"]["blind"]


def test_a_bin_says_what_is_in_it_but_not_how_many() -> None:
    (bin_id,) = fill(1)
    orders = wiring.dependencies().orders
    lines = [order_line(3, bin_id=bin_id, consignment=name) for name in ("C-2", "C-3", "C-4")]
    facts = [{"sku": "4711", "item_volume_l": 0.35}, {"sku": "4711", "item_volume_l": 0.35}, {}]
    orders.put([replace(line, **each) for line, each in zip(lines, facts, strict=True)], NOON)  # type: ignore[arg-type]

    assert item()["goods"] == [{"sku": "4711", "item_volume_l": 0.35}]


def test_a_decision_on_what_has_changed_is_refused() -> None:
    fill(1)
    waiting = item()
    decide(waiting)

    reply = decide(waiting, "d-2", name="bob")

    assert (reply.status, reply.body["code"], reply.headers["content-type"]) == (412, "changed", PROBLEM)
    assert reply.body["current"] == {"etag": '"2"', "image_id": waiting["image_id"], "decided_by": "ann"}
    assert decide(waiting, "d-2", name="bob", headers={"If-Match": "*"}).status == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"count": None}, 422, "invalid"),
        ({"cannot_tell": True}, 422, "invalid"),
        ({"count": -1}, 422, "invalid"),
        ({"count": True}, 422, "invalid"),
        ({"count": "3"}, 422, "invalid"),
        ({"count": 1_000_001}, 422, "invalid"),
        ({"unknown": 1}, 422, "invalid"),
        ({"seconds": -1}, 422, "invalid"),
        ({"reason_code": "a\nb"}, 422, "invalid"),
        ({"bin_id": "\ud800"}, 422, "invalid"),
        ({"bin_id": "x" * 2000}, 422, "invalid"),
        ({"bin_id": "unknown"}, 404, "not_found"),
        ({"image_id": "unknown"}, 404, "not_found"),
    ],
)
def test_a_decision_that_is_not_valid_is_refused(changes: dict[str, Any], status: int, code: str) -> None:
    fill(1)

    reply = decide(item(), changes=changes)

    assert (reply.status, reply.body["code"], reply.headers["content-type"]) == (status, code, PROBLEM)


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"x"'])
def test_a_body_that_is_no_object_is_refused(body: str) -> None:
    assert ask("POST", "/api/queue", "counter", json=body).status == 422


def test_an_id_is_used_for_one_answer() -> None:
    fill(1)
    waiting = item()
    decide(waiting)

    assert (decide(waiting, count=4).status, decide(waiting, count=4).body["code"]) == (409, "conflict")
    assert decide(waiting, headers={"If-Match": '"x"'}, decision_id="d-3").status == 412
    wanted = {"decision_id": "d", "bin_id": waiting["bin_id"], "image_id": "x", "count": 1}
    assert ask("POST", "/api/decisions", "counter", json=wanted).body["code"] == "precondition_required"


def test_undo_returns_the_bin_to_whoever_undid() -> None:
    fill(1)
    waiting = item()
    decide(waiting)
    wanted = {"bin_id": waiting["bin_id"], "decision_id": "d-1"}

    assert ask("POST", "/api/undo", "counter", json=wanted, name="bob").status == 403
    reply = ask("POST", "/api/undo", "counter", json=wanted)

    assert (reply.body["decision"]["undone_by"], reply.body["etag"]) == ("ann", '"3"')
    assert ask("POST", "/api/undo", "supervisor", json=wanted, name="bob").status == 200
    assert item()["etag"] == '"3"'
    unknown = ask("POST", "/api/undo", "supervisor", json=wanted | {"decision_id": "x"})
    assert (unknown.status, unknown.body["code"]) == (404, "not_found")


def test_two_people_get_different_bins_and_can_give_them_back() -> None:
    first, second = fill(2)

    assert (item()["bin_id"], item(name="bob")["bin_id"]) == (first, second)
    wanted = {"bin_ids": [first, second]}
    assert ask("POST", "/api/queue/release", "counter", json=wanted).body == {"released": 1}
    assert ask("POST", "/api/queue", "counter", json={}, name="bob").body["items"][0]["bin_id"] == first


def test_a_busy_table_asks_to_try_again() -> None:
    fill(1)
    waiting = item()

    with refused_by_sagemaker("ProvisionedThroughputExceededException", service="dynamodb"):
        reply = decide(waiting)

    assert (reply.status, reply.body["code"], reply.headers["retry-after"]) == (503, "busy", "1")
    assert client("dynamodb").scan(TableName=stack().outputs["DecisionsTable"])["Count"] == 0
