"""`bintally smoke` on the whole system, beside the photos of others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bincli.audit.collect import audit_once, grace_periods
from bincli.commands.smoke import drawn_photos, run_smoke
from bincli.deployment import Deployment
from bintally.domain.canary import is_canary, order_file

from tests.stack.conftest import DEADLINE, Floor, eventually

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]


@pytest.fixture
def deployment(stack: Any) -> Deployment:
    return Deployment(stack.name, stack.outputs, stack.client)


def traces(deployment: Deployment) -> list[str]:
    """Keys and bins of the canary, wherever they are."""
    buckets = [deployment.output(name) for name in ("IntakeBucket", "OrdersBucket")]
    listed = [deployment.s3.list_object_versions(Bucket=bucket).get("Versions", []) for bucket in buckets]
    keys = [version["Key"] for versions in listed for version in versions]
    keys += [entry.image.key for entry in deployment.ledger.all()]
    names = keys + [count.bin_id for count in deployment.bins.all()] + [line.bin_id for line in deployment.orders.all()]
    return [name for name in names if is_canary(name)]


def test_a_run_after_a_crash_passes_and_leaves_no_trace(deployment: Deployment, stack: Any) -> None:
    site, photos = deployment.canary, drawn_photos()
    site.upload_orders(order_file())
    crashed = [site.upload(key, data) for key, data in photos.items()]
    others = Floor(stack).drop("smoke-of-others/1.jpg", next(iter(photos.values())))

    report = run_smoke(deployment, DEADLINE)

    assert report.passed, report
    assert len(report.verdicts) == 3
    eventually(lambda: deployment.canary.remove(datetime.now(UTC)) == 0, "the crashed run's photos are finished")
    assert traces(deployment) == []
    assert not deployment.ledger.read(crashed)
    assert Floor(stack).images(key="smoke-of-others", version_id=others)
    grace = grace_periods(deployment, 300, 3600)
    assert audit_once(deployment, grace, datetime.now(UTC)).audit.is_clean
