"""What the use cases depend on. The adapters implement it; tests pass fakes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bintally.domain.bins import BinCount
from bintally.domain.image import Image, LedgerEntry
from bintally.domain.jobs import EngineName, InFlight, Job, JobResult, JobStatus
from bintally.domain.manifest import Result
from bintally.domain.objects import StoredObject
from bintally.domain.orders import OrderFile, Progress
from bintally.domain.transitions import Completion, Requeue
from bintally.domain.verdicts import Finding, OrderLine
from bintally.usecases.catalogue import ItemCatalogue


class Ledger(Protocol):
    """The images table."""

    def read(self, image_ids: Collection[str]) -> dict[str, LedgerEntry]:
        """The entries of those images that the ledger has, by image id."""

    def register(self, images: Sequence[Image], job_id: str, now: str) -> None:
        """Add images as SUBMITTED with this job. An image that the ledger has already is left alone."""

    def receive(self, images: Sequence[Image], now: str) -> None:
        """Add images as RECEIVED, due at once. An image that the ledger has already is left alone."""

    def reject(self, image: Image, reason: str, now: str, code: str = "") -> None:
        """Add an image as REJECTED without asking the model. One that the ledger has already is left alone."""

    def of_job(self, job_id: str) -> list[str]:
        """The ids of the images that name this job. Images written within the last seconds may be missing."""

    def pending(self, now: str, limit: int) -> list[LedgerEntry]:
        """At most `limit` RECEIVED images that are due, the longest due first."""

    def count_pending(self, now: str, limit: int) -> int:
        """How many images are due. Counting ends at `limit`, and changes of the last seconds may be missing."""

    def assign(self, entries: Sequence[LedgerEntry], job_id: str, now: str) -> set[str]:
        """Move RECEIVED images to SUBMITTED with this job, unless they moved meanwhile; the ids of those moved."""

    def release(self, requeues: Sequence[Requeue], job_id: str) -> set[str]:
        """Move images that this job holds back to RECEIVED; the ids of those moved."""

    def complete(self, completions: Sequence[Completion], job_id: str, now: str) -> set[str]:
        """Move images to their final status; the ids of those moved.

        FAILED moves only images that this job holds. A result moves every image that has none yet; one that is
        recounted has one, so it moves only for the job that holds it. COUNTED without a result keeps the old count.
        """

    def recount(self, entries: Sequence[LedgerEntry], now: str) -> set[str]:
        """Move COUNTED images to RECEIVED, due at once, unless they moved meanwhile; the ids of those moved.

        Each keeps its count until the new one, and has all its attempts again.
        """


class Bins(Protocol):
    """The bins table."""

    def read(self, bin_ids: Collection[str]) -> dict[str, BinCount]:
        """The counts of those bins that have one, by bin id; strongly consistent."""

    def record(self, counts: Sequence[BinCount], now: str) -> dict[str, BinCount]:
        """Write each count unless its bin has this image or a newer one; what each bin has now, by bin id."""


class Jobs(Protocol):
    """The jobs table."""

    def create(self, job: Job, now: str) -> None:
        """Write the job as PREPARED, also again where it is PREPARED or ABANDONED. Any other job is left alone."""

    def open(self, job: Job, now: str) -> None:
        """Move a job whose images name it from PREPARED or ABANDONED to OPEN."""

    def read(self, job_ids: Collection[str]) -> dict[str, Job]:
        """The jobs with these ids, by job id."""

    def unfinished(self, status: JobStatus, until: str, limit: int) -> list[Job]:
        """At most `limit` jobs in a status that were touched no later than `until`, the oldest touch first."""

    def in_flight(self, engine: EngineName) -> InFlight:
        """The unfinished jobs of an engine. Changes of the last seconds may be missing."""

    def touch(self, job_id: str, now: str) -> None:
        """Note that the job was checked, so that others are checked before it is checked again."""

    def claim(self, job: Job, now: str, until: str) -> bool:
        """Whether this caller alone may send the job, from `now` until `until`."""

    def mark_sent(self, job: Job, receipt: Mapping[str, str], now: str) -> None:
        """Note that the engine accepted this attempt. `receipt` has the locations of its output."""

    def defer(self, job: Job, now: str) -> None:
        """Reopen a job that got no capacity, with the `transform_attempt`, `due_at` and `reason` of `job`, once."""

    def close(self, job_id: str, status: JobStatus, reason: str, now: str) -> None:
        """Finish the job as DONE or FAILED. DONE replaces FAILED, not the reverse."""

    def abandon(self, job: Job, now: str) -> None:
        """Move a PREPARED job that no image waits for to ABANDONED, unless it was created again meanwhile."""


class Engine(Protocol):
    """SageMaker Async Inference, Batch Transform, or the model function."""

    supports_polling: bool
    """Whether `poll` can tell a job in progress from a lost one. Where it can't, a job times out."""

    def prepare(self, job: Job, shards: Sequence[Sequence[Image]]) -> None:
        """Write the job's manifests."""

    def submit(self, job: Job) -> Mapping[str, str]:
        """Send the job; the locations of its output. Raises EngineUnavailableError or QuotaExceededError."""

    def poll(self, job: Job) -> JobResult | None:
        """The result of a job that was sent, whether or not it was announced; None while there is none.

        The result says when the job ended, if the engine knows.
        """

    def results(self, job: Job, output_location: str | None) -> Iterator[tuple[list[str], dict[str, Result]]]:
        """For each manifest its image ids, and the results in the output; no results where `output_location` is None.

        Raises InvalidEventError where the output is not in the jobs bucket.
        """


class Orders(Protocol):
    """The consignments table."""

    def read(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], OrderLine]:
        """The lines with these (consignment id, bin id), by that key; strongly consistent."""

    def of_consignment(self, consignment_id: str) -> list[OrderLine]:
        """All lines of a consignment, strongly consistent."""

    def unless_pending(self, consignment_id: str) -> list[OrderLine]:
        """All lines of a consignment, strongly consistent; none if one is PENDING, which is found with few reads."""

    def of_consignments(self, consignment_ids: Collection[str]) -> dict[str, list[OrderLine]]:
        """All lines of several consignments, without those that have no line."""

    def of_bins(self, bin_ids: Collection[str]) -> set[tuple[str, str]]:
        """The keys of the lines that name one of these bins."""

    def due(self, now: str, limit: int) -> list[tuple[str, str]]:
        """The keys of at most `limit` lines that have become due and were not judged since."""

    def put(self, lines: Sequence[OrderLine], now: str) -> None:
        """Write lines unless the table has a newer version of them. Their `replace_version` is kept in any case."""

    def withdraw(self, lines: Sequence[tuple[OrderLine, str]], now: str) -> int:
        """Move lines to WITHDRAWN; how many moved. Beside each line is the version of the file that withdraws it.

        A line that got another version meanwhile stays: the import that wrote it checks it itself.
        """

    def judge(self, findings: Sequence[tuple[OrderLine, Finding, int]], now: str) -> set[tuple[str, str]]:
        """Write findings; the keys of the lines written. The number is the bin revision that the finding rests on.

        A finding is refused where its line or its bin changed meanwhile.
        """


class Reports(Protocol):
    """Import reports, one for each version of an order file."""

    def progress(self, source: StoredObject) -> Progress | None:
        """How far the import of the order file is, as its report says; None without one."""

    def write(self, source: StoredObject, file: OrderFile, adds: bool, progress: Progress) -> str:
        """Write the report; its location."""


class IntakeQueue(Protocol):
    """The queue of S3's notifications."""

    def depth(self) -> int:
        """About how many messages wait in it."""


class Events(Protocol):
    """The event bus. An event may be published twice, with the same `event_id`."""

    def publish(self, events: Iterable[tuple[str, Mapping[str, object]]]) -> None:
        """Publish (detail type, detail) pairs."""


class CanarySite(Protocol):
    """A stack as the canary sees it: only what has the canary's reserved names."""

    def upload_orders(self, data: bytes) -> str:
        """Upload the canary's order file; its version."""

    def is_imported(self, version: str) -> bool:
        """Whether that version of the order file has been imported."""

    def upload(self, key: str, data: bytes) -> str:
        """Upload a photo; its image id."""

    def entries(self, image_ids: Collection[str]) -> dict[str, LedgerEntry]:
        """The ledger's entries of those photos that it has, by image id."""

    def lines(self) -> list[OrderLine]:
        """The canary's order lines."""

    def remove(self, now: datetime) -> int:
        """Remove every trace of the canary but those in progress; how many stay. Safe to repeat after a crash."""


class Dependencies(Protocol):
    """Everything that use cases depend on. Each reads only what it uses, so that it may be built when first read."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def bins(self) -> Bins: ...

    @property
    def jobs(self) -> Jobs: ...

    @property
    def orders(self) -> Orders: ...

    @property
    def reports(self) -> Reports: ...

    @property
    def catalogue(self) -> ItemCatalogue: ...

    @property
    def events(self) -> Events: ...

    @property
    def intake_queue(self) -> IntakeQueue: ...

    def engine(self, name: EngineName) -> Engine:
        """The engine with this name."""
