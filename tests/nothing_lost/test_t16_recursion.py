"""T16: outputs written to the intake bucket."""

from __future__ import annotations

from random import Random

from bintally.adapters.clients import client
from bintally.domain.image import Status
from bintally.handlers import wiring
from bintally.handlers.settings import settings

from tests.nothing_lost.healing import heal, moment
from tests.nothing_lost.platform import Platform
from tests.template.deployed import stack
from tests.unit.functions.handlers.lambdas import failed, messages, notification, requests_made, run

OUTPUTS = 10


def test_outputs_in_the_intake_bucket_are_rejected_once(chance: Random) -> None:
    """Somebody copies each output into the intake bucket as soon as it is there."""
    platform = Platform(chance)
    platform.uploads.refused = 1  # they are not images
    for number in range(OUTPUTS):
        platform.put(f"async/output/{number}.out")
    asked = []
    for _ in range(60):
        moment(platform, 2)
        asked.append(len(platform.fakes.async_engine.asked))
    heal(platform)

    ledger = platform.fakes.ledger.items.values()
    assert [held.status for held in ledger] == [Status.REJECTED] * OUTPUTS
    assert all(held.reason for held in ledger)
    assert asked[-1] == len(platform.fakes.async_engine.asked) <= OUTPUTS


def test_notifications_about_the_jobs_bucket_are_refused(on_aws: dict[str, str]) -> None:
    forged = [notification(f"async/output/{number}.out") for number in range(OUTPUTS)]
    for body in forged:
        body["Records"][0]["s3"]["bucket"]["name"] = settings().jobs_bucket

    assert len(failed(run("intake", messages(*forged)))) == OUTPUTS
    assert list(wiring.dependencies().ledger.all()) == []
    assert list(wiring.dependencies().jobs.all()) == []


def test_nothing_is_written_to_the_intake_bucket(on_aws: dict[str, str]) -> None:
    with requests_made() as made:
        run("intake", messages(*(notification(f"async/output/{number}.out") for number in range(OUTPUTS))))

    buckets = {params["Bucket"] for service, _, params in made if service == "s3"}
    assert buckets == {settings().jobs_bucket}
    assert client("s3").list_objects_v2(Bucket=settings().intake_bucket)["KeyCount"] == 0


def test_the_jobs_bucket_has_no_notifications() -> None:
    resources = stack().resources
    announced = {name for name, each in resources.items() if "NotificationConfiguration" in each.get("Properties", {})}

    assert "IntakeBucket" in announced
    assert "JobsBucket" not in announced
