"""What the use cases need of the world, in memory and with the guards of the real adapters.

tests/unit/functions/adapters/test_contracts.py holds fakes and adapters to the same behaviour.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from bintally.domain.bins import BinCount, is_newer
from bintally.domain.errors import EngineUnavailableError, InvalidEventError
from bintally.domain.image import Image, LedgerEntry, Status
from bintally.domain.jobs import Job, JobStatus
from bintally.domain.manifest import Answer, answers_of, image_ids_of, manifest_of
from bintally.domain.objects import StoredObject
from bintally.domain.orders import RefusedRow
from bintally.domain.verdicts import NOT_COUNTED, Finding, OrderLine, Verdict
from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).resolve().parents[1] / "events" / "schemas"
JOBS_BUCKET = "s3://jobs/"


class CrashError(Exception):
    """The function dies here."""


class Steps:
    """Counts what is asked of the fakes. Just before a chosen step something happens: a crash, or another run."""

    def __init__(self) -> None:
        self.taken = 0
        self._then: dict[int, Callable[[], object]] = {}

    def before(self, number: int, then: Callable[[], object]) -> None:
        """Do `then` before the step with this number, counted from here, from 1."""
        self._then = {self.taken + number: then}

    def crash_before(self, number: int) -> None:
        def crash() -> None:
            raise CrashError(f"before step {number}")

        self.before(number, crash)

    def __call__(self) -> None:
        self.taken += 1
        then = self._then.pop(self.taken, None)
        if then:
            then()


@dataclass
class _Fake:
    """`together` is how many items of one call are written at a time; a crash can come between."""

    step: Callable[[], object] = lambda: None
    together: int = 100

    def each(self, items: Iterable[Any]) -> Iterator[Any]:
        for number, item in enumerate(items):
            if number % self.together == 0:
                self.step()
            yield item


@dataclass(frozen=True)
class Registered:
    """What the ledger holds of a photograph."""

    image: Image
    status: Status
    job_id: str | None
    reason: str = ""
    answer: Answer | None = None


@dataclass
class FakeLedger(_Fake):
    items: dict[str, Registered] = field(default_factory=dict)

    def read(self, image_ids: Collection[str]) -> dict[str, LedgerEntry]:
        self.step()
        found = [self.items[image_id] for image_id in image_ids if image_id in self.items]
        return {each.image.image_id: LedgerEntry(each.image, each.status, each.job_id) for each in found}

    def register(self, images: Sequence[Image], job_id: str, now: str) -> None:
        for image in self.each(images):
            self.items.setdefault(image.image_id, Registered(image, Status.SUBMITTED, job_id))

    def refuse(self, image: Image, reason: str, now: str) -> None:
        self.step()
        self.items.setdefault(image.image_id, Registered(image, Status.REJECTED, None, reason))

    def settle(self, outcomes: Sequence[tuple[str, Status, str, Answer | None]], now: str) -> set[str]:
        moved = set()
        for image_id, status, reason, answer in self.each(outcomes):
            held = self.items.get(image_id)
            if held and held.status is Status.SUBMITTED:
                self.items[image_id] = replace(held, status=status, reason=reason, answer=answer)
                moved.add(image_id)
        return moved


@dataclass
class FakeBins(_Fake):
    items: dict[str, BinCount] = field(default_factory=dict)

    def read(self, bin_ids: Collection[str]) -> dict[str, BinCount]:
        self.step()
        return {bin_id: self.items[bin_id] for bin_id in bin_ids if bin_id in self.items}

    def record(self, counts: Sequence[BinCount], now: str) -> dict[str, BinCount]:
        for count in self.each(counts):
            held = self.items.get(count.bin_id)
            if held is None or is_newer(count.image, held.image):
                self.items[count.bin_id] = replace(count, revision=held.revision + 1 if held else 1)
        return {count.bin_id: self.items[count.bin_id] for count in counts}


@dataclass(frozen=True)
class Opened:
    """What the jobs table holds of a job."""

    job: Job
    claimed_until: str | None = None
    receipt: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    @property
    def status(self) -> JobStatus:
        return self.job.status


@dataclass
class FakeJobs(_Fake):
    items: dict[str, Opened] = field(default_factory=dict)

    def open(self, job: Job, now: str) -> None:
        self.step()
        self.items.setdefault(job.job_id, Opened(replace(job, status=JobStatus.OPEN)))

    def read(self, job_ids: Collection[str]) -> dict[str, Job]:
        self.step()
        return {job_id: self.items[job_id].job for job_id in job_ids if job_id in self.items}

    def waiting(self) -> list[Job]:
        self.step()
        return [held.job for held in self.items.values() if held.status is JobStatus.OPEN]

    def claim(self, job: Job, now: str, until: str) -> bool:
        self.step()
        held = self.items[job.job_id]
        if held.status is not JobStatus.OPEN or (held.claimed_until and held.claimed_until >= now):
            return False
        self.items[job.job_id] = replace(held, claimed_until=until)
        return True

    def sent(self, job: Job, receipt: Mapping[str, str], now: str) -> None:
        self.step()
        if self.items[job.job_id].status is JobStatus.OPEN:
            self._move(job.job_id, JobStatus.SENT, claimed_until=None, receipt=dict(receipt))

    def close(self, job_id: str, status: JobStatus, reason: str, now: str) -> None:
        self.step()
        held = self.items.get(job_id)
        if held and held.status in (JobStatus.OPEN, JobStatus.SENT):
            self._move(job_id, status, reason=reason)

    def _move(self, job_id: str, status: JobStatus, **changes: Any) -> None:
        held = self.items[job_id]
        self.items[job_id] = replace(held, job=replace(held.job, status=status), **changes)


@dataclass
class FakeEngine(_Fake):
    """`asked` are the job ids that it took, `outputs` what it answered, by location. Down, or asked for a job that it
    `refuses`, it takes nothing.
    """

    manifests: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    down: bool = False
    refuses: set[str] = field(default_factory=set)

    def prepare(self, job: Job, images: Sequence[Image]) -> None:
        self.step()
        self.manifests[job.manifest] = manifest_of(images)

    def submit(self, job: Job) -> Mapping[str, str]:
        self.step()
        if self.down or job.job_id in self.refuses:
            raise EngineUnavailableError(f"{job.job_id}: no capacity")
        if job.manifest not in self.manifests:
            raise AssertionError(f"{job.job_id} was submitted without its manifest")
        self.asked.append(job.job_id)
        return {"output": f"{JOBS_BUCKET}async/output/{job.job_id}.out", "failure": f"{JOBS_BUCKET}async/failure/x.out"}

    def manifest(self, job: Job) -> list[str]:
        self.step()
        return image_ids_of(self.manifests[job.manifest])

    def output(self, location: str) -> dict[str, Answer]:
        self.step()
        if not location.startswith(JOBS_BUCKET):
            raise InvalidEventError(f"{location} is not in the jobs bucket")
        return answers_of(self.outputs[location])

    def answer(self, job: Job, records: Iterable[Mapping[str, object]]) -> str:
        """Put prediction lines where the job's output lies; that location."""
        location = f"{JOBS_BUCKET}async/output/{job.job_id}.out"
        self.outputs[location] = "".join(f"{json.dumps(record)}\n" for record in records)
        return location


@dataclass
class FakeOrders(_Fake):
    items: dict[tuple[str, str], OrderLine] = field(default_factory=dict)
    judged: list[str] = field(default_factory=list)  # consignments that the table's stream has still to tell of

    def read(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], OrderLine]:
        self.step()
        return {key: self.items[key] for key in keys if key in self.items}

    def of_consignment(self, consignment_id: str) -> list[OrderLine]:
        self.step()
        return [line for (consignment, _), line in sorted(self.items.items()) if consignment == consignment_id]

    def of_bins(self, bin_ids: Collection[str]) -> set[tuple[str, str]]:
        self.step()
        return {key for key in self.items if key[1] in bin_ids}

    def put(self, lines: Sequence[OrderLine], now: str) -> None:
        for line in self.each(lines):
            key = (line.consignment_id, line.bin_id)
            held = self.items.get(key)
            if held and held.order_version >= line.order_version:
                continue
            if held and (held.expected, held.due_at) == (line.expected, line.due_at):
                self.items[key] = replace(held, order_version=line.order_version)
            else:
                fresh = {"verdict": Verdict.PENDING, "reason": NOT_COUNTED, "counted": None, "bin_revision": 0}
                self.items[key] = replace(line, **fresh)

    def judge(self, findings: Sequence[tuple[OrderLine, Finding, int]], now: str) -> set[tuple[str, str]]:
        written = set()
        for line, finding, revision in self.each(findings):
            key = (line.consignment_id, line.bin_id)
            held = self.items.get(key)
            terms = (line.expected, line.due_at)
            if held and (held.expected, held.due_at) == terms and held.bin_revision <= revision:
                if finding.verdict not in (held.verdict, Verdict.PENDING):
                    self.judged.append(line.consignment_id)
                told = {"verdict": finding.verdict, "reason": finding.reason, "counted": finding.counted}
                self.items[key] = replace(held, bin_revision=revision, **told)
                written.add(key)
        return written


@dataclass
class FakeReports(_Fake):
    written: dict[str, tuple[int, tuple[RefusedRow, ...]]] = field(default_factory=dict)

    def write(self, source: StoredObject, accepted: int, refused: Sequence[RefusedRow]) -> str:
        self.step()
        self.written[source.key] = (accepted, tuple(refused))
        return f"{JOBS_BUCKET}orders/reports/{source.key}"


@cache
def schema(kind: str) -> Draft202012Validator:
    """The schema of an event's detail."""
    document = json.loads((SCHEMAS / f"{kind}.json").read_text())
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


@dataclass
class FakeEvents(_Fake):
    """Takes only events that keep to their schema."""

    published: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def publish(self, events: Iterable[tuple[str, Mapping[str, object]]]) -> None:
        found = [(kind, json.loads(json.dumps(detail))) for kind, detail in events]
        for kind, detail in self.each(found):
            schema(kind).validate(detail)
            self.published.append((kind, detail))

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [detail for each, detail in self.published if each == kind]

    def distinct(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """By event id, as a consumer sees them that knows repetitions."""
        return {detail["event_id"]: (kind, detail) for kind, detail in self.published}


class World:
    """All fakes, wired to one count of steps."""

    def __init__(self, together: int = 100) -> None:
        self.steps = Steps()
        self.ledger = FakeLedger(self.steps, together)
        self.bins = FakeBins(self.steps, together)
        self.jobs = FakeJobs(self.steps, together)
        self.engine = FakeEngine(self.steps, together)
        self.orders = FakeOrders(self.steps, together)
        self.reports = FakeReports(self.steps, together)
        self.events = FakeEvents(self.steps, together)

    def state(self) -> dict[str, Any]:
        """What the tables hold."""
        tables = {"ledger": self.ledger, "bins": self.bins, "jobs": self.jobs, "orders": self.orders}
        return deepcopy({name: fake.items for name, fake in tables.items()})

    def statuses(self) -> dict[str, Status]:
        """Key of each photograph → its status."""
        return {held.image.key: held.status for held in self.ledger.items.values()}
