"""What the desk asks of AWS against what template.yaml allows it: all of it, and nothing more."""

from __future__ import annotations

import pytest
from bintally.domain.attention import Attention, Group
from bintally.domain.image import Image, Status
from bintally.domain.transitions import Completion
from bintally.domain.verdicts import Finding, Verdict
from bintally.handlers import wiring

from tests.unit.functions.examples import NOON, make_image, order_line
from tests.unit.functions.handlers.desk import ask, desk_environment, fill
from tests.unit.functions.handlers.lambdas import requests_made
from tests.unit.functions.handlers.test_permissions import Need, allowed, grants, needed

# Done by browsers with the addresses that the function signs. The bucket of the examples is not that of the stack.
SIGNED = {"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"}


def everything(image: Image, older: Image) -> None:
    """Each route with all that it can do."""
    bin_id = image.bin_id
    ask("POST", "/api/queue", "counter", json={"limit": 1})
    assert ask("POST", "/api/queue/probable", "supervisor", json={"limit": 1}).status == 200
    ask("POST", "/api/queue/release", "counter", json={"bin_ids": [bin_id]})
    for number, about in enumerate((image, older)):
        wanted = {"decision_id": f"d-{number}", "bin_id": bin_id, "image_id": about.image_id, "count": 2}
        assert ask("POST", "/api/decisions", "counter", json=wanted, headers={"If-Match": "*"}).status == 200
    check = {"after": "a", "bin_id": bin_id, "image_id": image.image_id, "count": 2}
    assert ask("POST", "/api/checks", "counter", json=check).status == 200
    ask("POST", "/api/undo", "counter", json={"bin_id": bin_id, "decision_id": "d-0"})
    for path, query in (("bin", f"id={bin_id}"), ("photo", f"id={image.image_id}"), ("consignment", "id=C-1")):
        assert ask("GET", f"/api/{path}", "viewer", query=query).status == 200
    for path in ("lines", "consignments", "today", "audits", "checks", "export.csv", "me", "config", "openapi.json"):
        assert ask("GET", f"/api/{path}", "viewer").status == 200
    ask("POST", "/api/uploads", "counter", json={"files": [{"key": "a", "size": 1}]})
    ask("POST", "/api/photos", "counter", json={"photos": [{"key": "a", "version_id": "1"}]})
    ask("POST", "/api/accept", "supervisor", json={"consignment_id": "C-2", "bin_id": "act", "reason_code": "x"})
    ask("POST", "/api/recount", "supervisor", json={"bin_id": bin_id, "image_id": image.image_id})
    orders = {"name": "o.csv", "text": "consignment_id,bin_id,expected\nC,B,1\n"}
    assert ask("POST", "/api/orders", "supervisor", json=orders, query="preview=false").body["imported"]


def test_the_desk_may_do_what_it_does_and_nothing_else(on_aws: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    bin_id, _ = fill(2)
    image = wiring.dependencies().bins.read([bin_id])[bin_id].image
    older = make_image(f"{bin_id}/older.jpg", at="2026-05-04T07:00:00.000Z")
    wiring.dependencies().ledger.register([image, older], "job", NOON)
    wiring.dependencies().ledger.complete([Completion(image.image_id, Status.COUNTED, "", None)], "job", NOON)
    line = order_line(3, bin_id="act", consignment="C-2")
    waiting = Finding(Verdict.SHORT, "", 3, attention=Attention(Group.ACT, "1"))
    wiring.dependencies().orders.put([line], NOON)
    wiring.dependencies().orders.judge([(line, waiting, 1)], NOON)

    with desk_environment(monkeypatch), requests_made() as made:
        monkeypatch.setenv("DESK_CHECK_SHARE", "1")
        everything(image, older)

    found: set[Need] = {need for request in made for need in needed(*request)}
    needs = {(action, arn.replace(":::intake/", f":::{on_aws['INTAKE_BUCKET']}/")) for action, arn in found}
    patterns = allowed("desk")
    assert [need for need in sorted(needs) if not any(grants(pattern, need) for pattern in patterns)] == []
    unused = [each for each in patterns if each[0] not in SIGNED and not any(grants(each, need) for need in needs)]
    assert unused == []
