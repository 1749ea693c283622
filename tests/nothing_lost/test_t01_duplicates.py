"""T1: every notification of S3 many times, one after the other and at once."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from bintally.domain.image import Status
from bintally.domain.manifest import parse_manifest
from bintally.domain.policy import InferenceMode
from bintally.usecases.intake import ingest

from tests.nothing_lost.healing import found_wrong, heal
from tests.nothing_lost.interleaving import Interleaving
from tests.nothing_lost.platform import Platform
from tests.nothing_lost.uploads import images_in
from tests.nothing_lost.watched import WatchedLedger

IMAGES = 1000


def asked_about(platform: Platform) -> Counter[str]:
    """How many requests included each photo."""
    engine = platform.fakes.async_engine
    manifests = [engine.manifests[f"jobs/{job_id}/input/manifest.jsonl"] for job_id in engine.asked]
    return Counter(image_id for manifest in manifests for image_id in parse_manifest(manifest))


def test_ten_thousand_deliveries_register_a_thousand_images(chance: Random) -> None:
    platform = Platform(chance)
    deliveries = 0
    for number in range(IMAGES):
        copies = chance.choice([2, 3, 5, 10, 20, 100])
        platform.put(f"bin-{number}/photo.jpg", copies)
        deliveries += copies
    assert deliveries >= 10_000

    while platform.deliver_intake(chance.choice([10, 100, 1000])):
        pass
    heal(platform)

    assert found_wrong(platform) == []
    ledger = platform.fakes.ledger.items
    assert isinstance(ledger, WatchedLedger)
    assert set(ledger.entered.values()) == {1}
    assert set(ledger.written.values()) == {1}  # its one result
    assert set(asked_about(platform).values()) == {1}


@pytest.mark.parametrize("mode", [InferenceMode.ASYNC, InferenceMode.BATCH, InferenceMode.LAMBDA])
@pytest.mark.parametrize("repeat", range(4))
def test_overlapping_deliveries_leave_one_entry_and_one_result(
    repeat: int, mode: InferenceMode, chance: Random
) -> None:
    """Two of them may both submit a new photo; one job holds it, and it counts once."""
    platform = Platform(chance, mode, batch_size=10)
    for number in range(IMAGES // 10):
        platform.put(f"bin-{number}/photo.jpg")
    messages = [message.body for message in platform.intake.waiting]
    interleaving = Interleaving(chance)

    def delivery() -> None:
        images = [image for body in chance.choices(messages, k=120) for image in images_in(body)]
        ingest(platform.fakes, images, policy=platform.policy, now=platform.now)

    platform.use(interleaving)
    assert interleaving.run([delivery, delivery, delivery, platform.round] * 3) == []
    platform.use(platform.injector)
    heal(platform)

    assert found_wrong(platform) == []
    ledger = platform.fakes.ledger.items
    assert isinstance(ledger, WatchedLedger)
    assert set(ledger.entered.values()) == {1}
    assert set(ledger.written.values()) == {2 if mode is InferenceMode.BATCH else 1}  # it waits for the schedule first
    assert {held.status for held in ledger.values()} <= {Status.COUNTED, Status.REJECTED}
