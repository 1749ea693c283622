"""100,000 images at once: jobs of the engines and durations of runs stay within their limits.

Times are simulated: each request to AWS takes STEP seconds. `pytest -s` shows the figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from bintally.domain.batches import batched
from bintally.domain.image import Image, Status
from bintally.domain.jobs import EngineName, Job, JobStatus
from bintally.domain.policy import InferenceMode, Policy
from bintally.domain.times import iso

from tests.fakes import Fakes
from tests.unit.functions.examples import NOW, make_images
from tests.unit.functions.usecases.runs import POLICY, ingested, later, requested_ids, scheduled

pytestmark = pytest.mark.slow
IMAGES = 100_000
STEP = 0.025  # seconds
RUN = 120.0  # seconds that Lambda allows, as template.yaml says
TTL = timedelta(hours=6)  # of a request that waits at SageMaker
ENDPOINT_RATE = 46 * 60  # images a minute, one instance
TRANSFORM_RATE = 2 * ENDPOINT_RATE  # two instances
TRANSFORM_START = 5  # minutes
AUTO = replace(POLICY, mode=InferenceMode.AUTO, batch_threshold=10_000)


@dataclass
class Flood:
    """The fakes, a clock, engines of a given speed, and the highest figures seen."""

    policy: Policy
    fakes: Fakes = field(default_factory=Fakes)
    minute: int = 0
    requests: int = 0
    transform_jobs: int = 0
    longest_run: float = 0.0
    longest_wait: timedelta = timedelta()
    counted: dict[EngineName, int] = field(default_factory=lambda: dict.fromkeys(EngineName, 0))
    _progress: dict[str, int] = field(default_factory=dict)

    def run(self) -> None:
        """One minute: a scheduled run, and what the engines count meanwhile."""
        begin = self.fakes.steps.count
        scheduled(
            self.fakes,
            later(self.minute),
            self.policy,
            lambda: RUN - STEP * (self.fakes.steps.count - begin),
        )
        self.longest_run = max(self.longest_run, STEP * (self.fakes.steps.count - begin))
        self.requests = max(self.requests, self.fakes.jobs.in_flight(EngineName.ASYNC).jobs)
        self.transform_jobs = max(self.transform_jobs, self.fakes.jobs.in_flight(EngineName.BATCH).sent)
        self.minute += 1
        for job in list(self._finished()):
            self._collect(job)

    def drain(self) -> None:
        """Minutes until every image is counted."""
        while sum(self.counted.values()) < IMAGES:
            assert self.minute < 600, self
            self.run()

    def figures(self) -> str:
        counted = ", ".join(f"{number:,} by {engine}" for engine, number in self.counted.items())
        return (
            f"{counted} in {self.minute} minutes; at most {self.requests} requests and {self.transform_jobs} transform"
            f" jobs; a request waited {self.longest_wait}; a run took {self.longest_run:.0f} s"
        )

    def _age(self, job: Job) -> timedelta:
        return later(self.minute) - datetime.fromisoformat(job.submitted_at)

    def _finished(self) -> Iterator[Job]:
        """The endpoint counts one request after another, transform jobs count beside one another."""
        sent = [held.job for held in self.fakes.jobs.items.values() if held.status is JobStatus.SENT]
        budget = ENDPOINT_RATE
        for job in sent:
            if job.engine is EngineName.BATCH:
                since = self._age(job) / timedelta(minutes=1) - TRANSFORM_START
                if since * TRANSFORM_RATE >= job.images:
                    yield job
            elif budget > 0:
                done = self._progress.get(job.job_id, 0)
                self._progress[job.job_id] = done + min(budget, job.images - done)
                budget -= self._progress[job.job_id] - done
                if self._progress[job.job_id] == job.images:
                    yield job

    def _collect(self, job: Job) -> None:
        """What collect does to ledger and jobs, without predictions: it has tests of its own."""
        for image_id in requested_ids(self.fakes, job):
            self.fakes.ledger.items[image_id] = replace(self.fakes.ledger.items[image_id], status=Status.COUNTED)
        self.fakes.jobs.close(job.job_id, JobStatus.DONE, "", iso(later(self.minute)))
        self.counted[job.engine] += job.images
        if job.engine is EngineName.ASYNC:
            self.longest_wait = max(self.longest_wait, self._age(job))


@pytest.fixture(scope="module")
def images() -> list[Image]:
    return make_images(IMAGES)


def test_auto_gives_a_flood_to_few_transform_jobs(images: list[Image]) -> None:
    """The notifications are in the queue, and intake receives 500 at a time."""
    flood = Flood(AUTO)
    for number, part in enumerate(batched(images, 500), 1):
        flood.fakes.intake_queue.waiting = lambda number=number: IMAGES - 500 * number  # type: ignore[misc]
        ingested(flood.fakes, part, policy=AUTO)
    at_endpoint = flood.fakes.jobs.in_flight(EngineName.ASYNC)
    assert at_endpoint.images < AUTO.batch_threshold

    flood.drain()

    print(f"auto: {flood.figures()}")
    assert flood.transform_jobs <= AUTO.max_transform_jobs
    assert flood.counted[EngineName.BATCH] > 0.8 * IMAGES
    assert flood.longest_run < RUN / 2
    assert flood.longest_wait < TTL


def test_the_endpoint_alone_gets_a_flood_piece_by_piece(images: list[Image]) -> None:
    flood = Flood(replace(POLICY, max_requests=100))
    flood.fakes.ledger.receive(images[:80_000], iso(NOW))

    for _ in range(4):
        flood.run()

    print(f"async, at most 100 requests: {flood.figures()}")
    assert flood.requests == 100
    assert flood.longest_run < RUN / 2
    assert flood.counted[EngineName.ASYNC] > 3 * ENDPOINT_RATE


def test_a_flood_of_last_attempts_fits_into_no_run_and_every_run_ends_in_time(images: list[Image]) -> None:
    """Each image has a job of its own: 80,000 requests to AWS in one run without a limit."""
    flood = Flood(replace(POLICY, max_requests=5_000))
    flood.fakes.ledger.receive(images[:20_000], iso(NOW))
    for image_id, held in flood.fakes.ledger.items.items():
        flood.fakes.ledger.items[image_id] = replace(held, attempts=2)

    for _ in range(2):
        flood.run()

    print(f"last attempts: {flood.figures()}")
    assert RUN / 2 < flood.longest_run < RUN
    assert flood.counted[EngineName.ASYNC] > 0
    assert flood.requests <= 5_000
