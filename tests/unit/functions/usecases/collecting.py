"""Jobs with results to collect, and what is read back."""

from __future__ import annotations

from bintally.domain.image import Image, Status
from bintally.domain.jobs import JobResult

from tests.fakes import Fakes
from tests.unit.functions.examples import (
    make_image,
    make_images,
    prediction,
    refusal,
)
from tests.unit.functions.usecases.runs import (
    answered,
    ingested_job,
)

IMAGES = make_images(3)
OLD = make_image(sequencer="0055AED6DCD902", at="2026-05-04T08:00:00.000Z")
NEW = make_image(sequencer="0055AED6DCD90281E5", at="2026-05-04T08:00:01.000Z")


def with_results(batch_size: int = 100) -> tuple[Fakes, JobResult]:
    """Three images: one counted, one with an error, one without a result."""
    fakes = Fakes(batch_size)
    job = ingested_job(fakes, IMAGES)
    return fakes, answered(fakes, job, [prediction(IMAGES[0], 3), refusal(IMAGES[1])])


def status_of(fakes: Fakes, image: Image) -> Status:
    return fakes.ledger.items[image.image_id].status


def reason_of(fakes: Fakes, image: Image) -> str:
    return fakes.ledger.items[image.image_id].reason


def completion_of(fakes: Fakes, image: Image) -> tuple[Status, str, str]:
    held = fakes.ledger.items[image.image_id]
    return held.status, held.reason, held.code
