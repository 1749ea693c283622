"""What the use cases need of the world. The adapters provide it; tests hand in fakes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from bintally.domain.bins import BinCount
from bintally.domain.image import Image, LedgerEntry
from bintally.domain.jobs import EngineName, Job, JobResult, JobStatus
from bintally.domain.manifest import Result
from bintally.domain.objects import StoredObject
from bintally.domain.orders import OrderFile, Progress
from bintally.domain.transitions import Completion, Requeue
from bintally.domain.verdicts import Finding, OrderLine


class Ledger(Protocol):
    """The images table."""

    def read(self, image_ids: Collection[str]) -> dict[str, LedgerEntry]:
        """The entries of those photographs that the ledger holds."""

    def register(self, images: Sequence[Image], job_id: str, now: str) -> None:
        """Enter photographs as SUBMITTED with this job. One that is entered already stays as it is."""

    def receive(self, images: Sequence[Image], now: str) -> None:
        """Enter photographs as RECEIVED, due at once. One that is entered already stays as it is."""

    def refuse(self, image: Image, reason: str, now: str, code: str = "") -> None:
        """Enter a photograph as REJECTED without asking the model. One that is entered already stays as it is."""

    def of_job(self, job_id: str) -> list[str]:
        """The ids of the photographs that name this job. One that was written within seconds may be left out."""

    def pending(self, now: str, most: int) -> list[LedgerEntry]:
        """At most so many RECEIVED photographs that are due."""

    def assign(self, entries: Sequence[LedgerEntry], job_id: str, now: str) -> set[str]:
        """Move RECEIVED photographs to SUBMITTED with this job, unless they moved meanwhile; the ids of those moved."""

    def release(self, returns: Sequence[Requeue], job_id: str) -> set[str]:
        """Move photographs that this job holds back to RECEIVED; the ids of those that moved."""

    def complete(self, outcomes: Sequence[Completion], job_id: str, now: str) -> set[str]:
        """Write outcomes; the ids of the photographs that moved.

        FAILED moves only photographs that this job holds, an answer all that have none yet.
        """


class Bins(Protocol):
    """The bins table."""

    def read(self, bin_ids: Collection[str]) -> dict[str, BinCount]:
        """The counts of those bins that have one, strongly consistent."""

    def record(self, counts: Sequence[BinCount], now: str) -> dict[str, BinCount]:
        """Write each count unless its bin holds that photograph or a newer one; bin id → what the bin holds now."""


class Jobs(Protocol):
    """The jobs table."""

    def create(self, job: Job, now: str) -> None:
        """Enter the job as PREPARED, also again where it was that or ABANDONED. Any other stays as it is."""

    def open(self, job: Job, now: str) -> None:
        """The ledger names the job: from PREPARED, or ABANDONED, to OPEN."""

    def read(self, job_ids: Collection[str]) -> dict[str, Job]:
        """The jobs with these ids."""

    def unfinished(self, status: JobStatus, until: str, most: int) -> list[Job]:
        """At most so many jobs in a status, touched no later than `until`, those first that were touched first."""

    def touch(self, job_id: str, now: str) -> None:
        """Nothing new is known of the job: others are looked into first."""

    def claim(self, job: Job, now: str, until: str) -> bool:
        """Whether this caller alone may send the job, from `now` until `until`."""

    def mark_sent(self, job: Job, receipt: Mapping[str, str], now: str) -> None:
        """The engine has taken this try of the job; the receipt says where its output will lie."""

    def defer(self, job: Job, now: str) -> None:
        """Reopen a job that got no capacity, with the `transform_attempt`, `due_at` and `reason` of `job`, once."""

    def close(self, job_id: str, status: JobStatus, reason: str, now: str) -> None:
        """The job has been answered, DONE or FAILED. DONE wins over FAILED."""

    def abandon(self, job: Job, now: str) -> None:
        """Nothing waits for the job: from PREPARED to ABANDONED, unless it was prepared again since `job` was read."""


class Engine(Protocol):
    """What counts photographs: SageMaker Async Inference, or Batch Transform."""

    supports_polling: bool
    """Whether `poll` can tell a job in progress from a lost one. Where it can't, a job times out."""

    def prepare(self, job: Job, shards: Sequence[Sequence[Image]]) -> None:
        """Put the job's manifests where the engine reads them."""

    def submit(self, job: Job) -> Mapping[str, str]:
        """Ask for the job; where its output will lie. Raises EngineUnavailableError, and of that NoCapacityError."""

    def poll(self, job: Job) -> JobResult | None:
        """What the engine says of a job that was sent, without having told us; None while it is at work."""

    def results(self, job: Job, output_location: str | None) -> Iterator[tuple[list[str], dict[str, Result]]]:
        """For each manifest its image ids, and the answers at the job's output; none where that is None.

        Raises InvalidEventError where the output is not in the jobs bucket.
        """


Engines = Mapping[EngineName, Engine]


class Orders(Protocol):
    """The consignments table."""

    def read(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], OrderLine]:
        """The lines with these (consignment id, bin id), strongly consistent."""

    def of_consignment(self, consignment_id: str) -> list[OrderLine]:
        """All lines of a consignment, strongly consistent."""

    def of_consignments(self, consignment_ids: Collection[str]) -> dict[str, list[OrderLine]]:
        """The same of many; without those that have no line."""

    def of_bins(self, bin_ids: Collection[str]) -> set[tuple[str, str]]:
        """The keys of the lines that expect something of these bins."""

    def due(self, now: str, most: int) -> list[tuple[str, str]]:
        """The keys of at most so many lines that waited for their due time, which has come. Judging takes them out."""

    def put(self, lines: Sequence[OrderLine], now: str) -> None:
        """Write lines unless the table holds a newer version of them. Their `replace_version` is noted in any case."""

    def withdraw(self, lines: Sequence[tuple[OrderLine, str]], now: str) -> int:
        """Move lines to WITHDRAWN by the file of the version beside each; how many.

        One that moved on to another version meanwhile stays: the import that wrote it looks at it itself.
        """

    def judge(self, findings: Sequence[tuple[OrderLine, Finding, int]], now: str) -> set[tuple[str, str]]:
        """Write each line's finding and the bin revision it rests on, unless the line or its bin moved on meanwhile."""


class Reports(Protocol):
    """Where import reports lie, one for each version of an order file."""

    def progress(self, source: StoredObject) -> Progress | None:
        """How far the import of the order file is, as its report says; None without one."""

    def write(self, source: StoredObject, file: OrderFile, adds: bool, progress: Progress) -> str:
        """Write the report on an order file; where it lies."""


class Events(Protocol):
    """The event bus. Every event may be published twice; its `event_id` is then the same."""

    def publish(self, events: Iterable[tuple[str, Mapping[str, object]]]) -> None:
        """Publish (detail type, detail) pairs."""
