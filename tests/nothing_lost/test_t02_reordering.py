"""T2: versions of a key and a deletion, announced in every order, with sequencers of unequal length."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import permutations
from random import Random

import pytest
from bintally.domain.image import Status

from tests.nothing_lost.healing import found_wrong, heal
from tests.nothing_lost.platform import Platform
from tests.nothing_lost.uploads import s3_notification, s3_record

KEYS = 200
ORDERS = list(permutations(range(4)))


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_the_last_version_is_what_the_bin_shows(order: tuple[int, ...], chance: Random) -> None:
    platform = Platform(chance)
    deliveries: list[list[str]] = []
    for number in range(KEYS):
        first, second = (platform.uploads.put(f"bin-{number}/photo.jpg", platform.now) for _ in range(2))
        deletion = platform.uploads.sequencer(len(platform.uploads.all))
        third = platform.uploads.put(f"bin-{number}/photo.jpg", platform.now)
        bodies = [s3_notification(upload.image) for upload in (first, second, third)]
        record = s3_record(second.image, "ObjectRemoved:DeleteMarkerCreated", sequencer=deletion)
        bodies.insert(2, json.dumps({"Records": [record]}))
        deliveries.append([bodies[place] for place in order])

    for place in range(4):
        for bodies in deliveries:
            platform.intake.send(bodies[place], platform.now)
        while platform.deliver_intake(chance.choice([50, 200])):
            pass
        if chance.random() < 0.5:  # else both results come at once
            platform.now += timedelta(minutes=5)
            platform.answer()
            platform.deliver_results(chance.choice([3, 100]))
    heal(platform)

    assert found_wrong(platform) == []
    assert len(platform.fakes.bins.items) == KEYS
    statuses = [held.status for held in platform.fakes.ledger.items.values()]
    assert len(statuses) == 3 * KEYS
    assert set(statuses) <= {Status.COUNTED, Status.REJECTED, Status.SUPERSEDED}
