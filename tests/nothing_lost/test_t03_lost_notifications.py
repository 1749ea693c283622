"""T3: announcements doubled, late, out of order and lost, up to all of them."""

from __future__ import annotations

from random import Random

import pytest
from bintally.domain.image import Status
from bintally.domain.policy import InferenceMode

from tests.nothing_lost.faults import FaultRates
from tests.nothing_lost.healing import found_wrong, heal, moment
from tests.nothing_lost.platform import Platform

IMAGES = 1000


@pytest.mark.parametrize("lost", [0, 0.01, 0.1, 0.5, 1])
@pytest.mark.parametrize("mode", InferenceMode)
def test_every_image_is_counted_for_any_rate_of_lost_notifications(
    mode: InferenceMode, lost: float, chance: Random
) -> None:
    platform = Platform(chance, mode, FaultRates(lost=lost, doubled=0.2, late=0.2, repeated=0.1))
    for number in range(IMAGES):
        platform.put(f"bin-{number}/photo.jpg")

    for _ in range(30):
        moment(platform)
    heal(platform, retry=False)

    assert found_wrong(platform) == []
    statuses = platform.fakes.ledger.items.values()
    assert {held.status for held in statuses} == {Status.COUNTED, Status.REJECTED}
    assert {held.attempts for held in statuses} == {1}
    assert (sum(engine.announced for engine in platform.engines) == 0) == (lost == 1)
