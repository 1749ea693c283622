"""The desk on the local stack: sign-in as a browser does it, through the gate, Cognito, API Gateway and function."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from binlocal.stack import Stack

from tests.stack.conftest import Floor, eventually

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]


@contextmanager
def browser(stack: Stack) -> Iterator[httpx.Client]:
    assert stack.desk
    with httpx.Client(base_url=stack.desk.address, headers={"Sec-Fetch-Site": "same-origin"}, timeout=30) as page:
        yield page


def sign_in(page: httpx.Client, stack: Stack, role: str) -> None:
    """Authorization code with PKCE, by the pages that a person sees."""
    assert stack.desk
    address = stack.desk.address
    config = page.get("api/config").json()
    verifier = secrets.token_urlsafe(40)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    asked = {"client_id": config["client_id"], "redirect_uri": address, "scope": "openid", "response_type": "code"}
    pkce = {"code_challenge": challenge, "code_challenge_method": "S256"}
    form = page.get(stack.endpoint + config["authorize_url"], params=asked | pkce).text
    fields = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}
    typed = {"username": role, "password": stack.desk.passwords[role]}
    sent = page.post(f"{stack.endpoint}/login", data=fields | typed, headers={"Origin": stack.endpoint})
    code = parse_qs(urlsplit(sent.headers["location"]).query)["code"][0]
    given = {"client_id": config["client_id"], "redirect_uri": address, "code_verifier": verifier, "code": code}
    tokens = page.post(stack.endpoint + config["token_url"], data=given | {"grant_type": "authorization_code"}).json()
    page.headers["Authorization"] = f"Bearer {tokens['access_token']}"


def test_a_person_signs_in_looks_decides_and_undoes(stack: Stack, floor: Floor, drawings: list[bytes]) -> None:
    bin_id = "desk, <b>1"
    floor.drop(f"{bin_id}/photo.jpg", drawings[0])
    floor.order("desk.csv", f'consignment_id,bin_id,expected\nDESK-1,"{bin_id}",40\n'.encode())
    with browser(stack) as counter, browser(stack) as viewer:
        sign_in(counter, stack, "counter")
        sign_in(viewer, stack, "viewer")

        def waiting() -> dict[str, Any] | None:
            items = counter.post("api/queue", json={"limit": 20}).json()["items"]
            return next((item for item in items if item["bin_id"] == bin_id), None)

        item = eventually(waiting, "the bin waits for a look")
        assert counter.get(item["photo"]["url"]).content == drawings[0]
        wanted = {"decision_id": "desk-1", "bin_id": bin_id, "image_id": item["image_id"], "count": 3}
        assert viewer.post("api/decisions", json=wanted).status_code == 403
        assert counter.post("api/decisions", json=wanted).status_code == 428
        decided = counter.post("api/decisions", json=wanted, headers={"If-Match": item["etag"]}).json()
        assert (decided["decision"]["who"], decided["shown"]["expected"][0]["verdict"]) == ("counter", "SHORT")
        eventually(lambda: floor.lines("DESK-1")[bin_id].get("attention") == "act", "the line is for those who act")
        counter.post("api/undo", json={"bin_id": bin_id, "decision_id": "desk-1"}).raise_for_status()
        assert floor.bin(bin_id)["source"] == "model"


def test_nobody_else_gets_in(stack: Stack) -> None:
    with browser(stack) as page:
        assert page.get("").status_code == page.get("api/config").status_code == 200
        assert [page.get("api/me").status_code, page.post("api/queue", json={}).status_code] == [401, 401]
        assert page.get("api/me", headers={"Authorization": "Bearer a.b.c"}).status_code == 401
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}):
            assert page.get("api/config", headers=headers).status_code == 403
