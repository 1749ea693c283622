"""What counting photographs costs on AWS, roughly: a table of prices with its date, and what they are multiplied by.

About the on-demand list prices of us-east-1 in US dollars, without free tiers. Nobody has checked them: compare
https://aws.amazon.com/sagemaker/pricing/ before you rely on them. Left out: Lambda, logs, keeping the
photographs, transfer between regions; each is small beside the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bintally.domain.jobs import EngineName

PRICES_OF = "2025-06"
INSTANCE = "ml.c6i.xlarge"
INSTANCE_HOUR = 0.204
# For a million photographs: put (5.00) and fetched once (0.40) in S3, announced and received in tens in SQS (0.48), and
# told to EventBridge (1.00).
REQUESTS = 6.88
WRITE_UNITS = 0.625  # for a million, in DynamoDB; a write of a transaction takes two
UNITS_EACH = {EngineName.ASYNC: 7, EngineName.BATCH: 11}  # a photograph that waits for a batch passes an index twice

PHOTOGRAPHS_A_SECOND = 25  # of one instance: the int8 model on two cores, fetching included
INSTANCES = 2  # the template's MaxInstances and BatchInstances
BATCH_JOB = 10_000  # most photographs in one transform job
START_SECONDS = 300  # of an instance, paid for in a transform job
IDLE_SECONDS = 900  # that an endpoint's instances live on before they are scaled to zero


@dataclass(frozen=True)
class Estimate:
    """US dollars for counting so many photographs with an engine, and the instances' hours in it."""

    engine: EngineName
    photographs: int
    instance_hours: float
    dollars: float


def estimate(engine: EngineName, photographs: int) -> Estimate:
    """What `photographs` cost if they come in one go."""
    if not photographs:
        return Estimate(engine, 0, 0.0, 0.0)
    if engine is EngineName.BATCH:
        overhead = math.ceil(photographs / BATCH_JOB) * START_SECONDS * INSTANCES
    else:
        overhead = (START_SECONDS + IDLE_SECONDS) * INSTANCES
    hours = (photographs / PHOTOGRAPHS_A_SECOND + overhead) / 3600
    requests = photographs / 1e6 * (REQUESTS + UNITS_EACH[engine] * WRITE_UNITS)
    return Estimate(engine, photographs, round(hours, 2), round(hours * INSTANCE_HOUR + requests, 2))


def assumption() -> str:
    """What the estimates rest on, in a sentence."""
    return (
        f"About the list prices of us-east-1 in {PRICES_OF}, not checked; "
        f"{INSTANCES} {INSTANCE} at {INSTANCE_HOUR} USD/h, "
        f"{PHOTOGRAPHS_A_SECOND} photographs/s each; without Lambda, logs and storage."
    )
