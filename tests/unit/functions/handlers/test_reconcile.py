from __future__ import annotations

from tests.unit.functions.handlers.lambdas import run


def test_an_unknown_consignment_has_no_lines(on_aws: dict[str, str]) -> None:
    assert run("reconcile", {"consignment_id": "C-none"}) == {"lines": 0, "verdicts": {}}
