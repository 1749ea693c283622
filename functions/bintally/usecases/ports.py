"""What the use cases need of the world. The adapters provide it; tests hand in fakes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from bintally.domain.bins import BinCount
from bintally.domain.image import Image, LedgerEntry, Status
from bintally.domain.jobs import Job, JobStatus
from bintally.domain.manifest import Answer
from bintally.domain.objects import StoredObject
from bintally.domain.orders import RefusedRow
from bintally.domain.verdicts import Finding, OrderLine


class Ledger(Protocol):
    """The images table."""

    def read(self, image_ids: Collection[str]) -> dict[str, LedgerEntry]:
        """The entries of those photographs that the ledger holds."""

    def register(self, images: Sequence[Image], job_id: str, now: str) -> None:
        """Enter photographs as SUBMITTED with this job. One that is entered already stays as it is."""

    def refuse(self, image: Image, reason: str, now: str) -> None:
        """Enter a photograph as REJECTED without asking the model. One that is entered already stays as it is."""

    def settle(self, outcomes: Sequence[tuple[str, Status, str, Answer | None]], now: str) -> set[str]:
        """Move SUBMITTED photographs to (image id, status, reason, answer); the ids of those that moved."""


class Bins(Protocol):
    """The bins table."""

    def read(self, bin_ids: Collection[str]) -> dict[str, BinCount]:
        """The counts of those bins that have one, strongly consistent."""

    def record(self, counts: Sequence[BinCount], now: str) -> dict[str, BinCount]:
        """Write each count unless its bin holds that photograph or a newer one; bin id → what the bin holds now."""


class Jobs(Protocol):
    """The jobs table."""

    def open(self, job: Job, now: str) -> None:
        """Enter the job as OPEN. One that is entered already stays as it is."""

    def read(self, job_ids: Collection[str]) -> dict[str, Job]:
        """The jobs with these ids."""

    def waiting(self) -> list[Job]:
        """Jobs that are OPEN."""

    def claim(self, job: Job, now: str, until: str) -> bool:
        """Whether this caller alone may send the job, from `now` until `until`."""

    def sent(self, job: Job, receipt: Mapping[str, str], now: str) -> None:
        """The engine has taken the job; the receipt says where its output will lie."""

    def close(self, job_id: str, status: JobStatus, reason: str, now: str) -> None:
        """The job has been answered: DONE or FAILED."""


class Engine(Protocol):
    """What counts photographs: SageMaker Async Inference. Batch Transform will be a second one."""

    def prepare(self, job: Job, images: Sequence[Image]) -> None:
        """Put the job's manifest where the engine reads it."""

    def submit(self, job: Job) -> Mapping[str, str]:
        """Ask for the job; where its output will lie. Raises EngineUnavailableError."""

    def manifest(self, job: Job) -> list[str]:
        """The image ids that the job asks about."""

    def output(self, location: str) -> dict[str, Answer]:
        """The answers at an output location. Raises InvalidEventError where that is not in the jobs bucket."""


class Orders(Protocol):
    """The consignments table."""

    def read(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], OrderLine]:
        """The lines with these (consignment id, bin id), strongly consistent."""

    def of_consignment(self, consignment_id: str) -> list[OrderLine]:
        """All lines of a consignment, strongly consistent."""

    def of_bins(self, bin_ids: Collection[str]) -> set[tuple[str, str]]:
        """The keys of the lines that expect something of these bins."""

    def put(self, lines: Sequence[OrderLine], now: str) -> None:
        """Write lines unless the table holds a newer version of them."""

    def judge(self, findings: Sequence[tuple[OrderLine, Finding, int]], now: str) -> set[tuple[str, str]]:
        """Write each line's finding and the bin revision it rests on, unless the line or its bin moved on meanwhile."""


class Reports(Protocol):
    """Where import reports lie."""

    def write(self, source: StoredObject, accepted: int, refused: Sequence[RefusedRow]) -> str:
        """Write the report on an order file; where it lies."""


class Events(Protocol):
    """The event bus. Every event may be published twice; its `event_id` is then the same."""

    def publish(self, events: Iterable[tuple[str, Mapping[str, object]]]) -> None:
        """Publish (detail type, detail) pairs."""
