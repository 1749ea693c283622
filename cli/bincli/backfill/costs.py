"""Roughly what counting photos costs on AWS.

About the on-demand list prices of us-east-1 in US dollars, without free tiers. Nobody has checked them: compare
https://aws.amazon.com/sagemaker/pricing/ before you rely on them. Lambda, logs, storage and transfer between regions
are left out; each is small in comparison.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bintally.domain.jobs import EngineName

PRICES_OF = "2025-06"
INSTANCE = "ml.c6i.xlarge"
INSTANCE_HOUR = 0.204
# For a million images: an upload (5.00) and a download (0.40) in S3, a notification received in batches of ten from SQS
# (0.48), and an event in EventBridge (1.00).
REQUESTS = 6.88
WRITE_UNITS = 0.625  # for a million, in DynamoDB; a write in a transaction takes two
UNITS_PER_IMAGE = {EngineName.ASYNC: 7, EngineName.BATCH: 11}  # an image that waits for a batch is indexed twice

IMAGES_PER_SECOND = 25  # of one instance: the int8 model on two cores, with downloads
INSTANCES = 2  # the template's MaxInstances and BatchInstances
BATCH_JOB = 10_000  # the most images in one transform job
START_SECONDS = 300  # of an instance, paid for in a transform job
IDLE_SECONDS = 900  # before an endpoint is scaled to zero


@dataclass(frozen=True)
class Estimate:
    """US dollars and instance hours for counting so many images with an engine."""

    engine: EngineName
    images: int
    instance_hours: float
    dollars: float


def estimate(engine: EngineName, images: int) -> Estimate:
    """What `images` cost if they arrive together."""
    if not images:
        return Estimate(engine, 0, 0.0, 0.0)
    if engine is EngineName.BATCH:
        overhead = math.ceil(images / BATCH_JOB) * START_SECONDS * INSTANCES
    else:
        overhead = (START_SECONDS + IDLE_SECONDS) * INSTANCES
    hours = (images / IMAGES_PER_SECOND + overhead) / 3600
    requests = images / 1e6 * (REQUESTS + UNITS_PER_IMAGE[engine] * WRITE_UNITS)
    return Estimate(engine, images, round(hours, 2), round(hours * INSTANCE_HOUR + requests, 2))


def assumption() -> str:
    """What the estimates rest on, in a sentence."""
    return (
        f"About the list prices of us-east-1 in {PRICES_OF}, not checked; "
        f"{INSTANCES} {INSTANCE} at {INSTANCE_HOUR} USD/h, "
        f"{IMAGES_PER_SECOND} photos/s each; without Lambda, logs and storage."
    )
