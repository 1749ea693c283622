"""What the use cases need, in memory and with the guards of the real adapters.

tests/unit/functions/adapters/contracts holds fakes and adapters to the same behaviour.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema
from bintally.adapters.consignments import LINES_PER_PAGE
from bintally.adapters.jobs import CLOSED_FROM
from bintally.domain.attention import Acceptance, Group
from bintally.domain.bins import BinCount, replaces
from bintally.domain.cancellations import Cancellation
from bintally.domain.catalogue import Catalogue, parse_catalogue
from bintally.domain.checks import Check
from bintally.domain.decisions import Decision
from bintally.domain.errors import EngineUnavailableError, InvalidEventError, QuotaExceededError
from bintally.domain.image import Image, LedgerEntry, Status
from bintally.domain.jobs import UNFINISHED, EngineName, InFlight, Job, JobResult, JobStatus
from bintally.domain.manifest import PredictionError, Result, build_manifest, parse_manifest, parse_output
from bintally.domain.objects import StoredObject
from bintally.domain.orders import OrderFile, Progress, RefusedRow
from bintally.domain.queue import Lease
from bintally.domain.transitions import Completion, Requeue
from bintally.domain.verdicts import NO_LONGER_ORDERED, NOT_COUNTED, WAITING, Finding, OrderLine, Verdict

SCHEMAS = Path(__file__).resolve().parents[1] / "events" / "schemas"
JOBS_BUCKET = "s3://jobs/"
KEYS_PER_READ = 100  # of BatchGetItem


class CrashError(BaseException):
    """The function dies here, and nothing catches that."""


class Steps:
    """Counts the calls of the fakes. Just before a chosen step something happens: a crash, or another run."""

    def __init__(self) -> None:
        self.count = 0
        self._then: dict[int, Callable[[], object]] = {}

    def before(self, number: int, then: Callable[[], object]) -> None:
        """Do `then` before the step with this number, counted from here, from 1."""
        self._then = {self.count + number: then}

    def crash_before(self, number: int) -> None:
        def crash() -> None:
            raise CrashError(f"before step {number}")

        self.before(number, crash)

    def __call__(self) -> None:
        self.count += 1
        then = self._then.pop(self.count, None)
        if then:
            then()


@dataclass
class _Fake:
    """`batch_size` is how many items of one call are written at a time; a crash can come between."""

    step: Callable[[], object] = lambda: None
    batch_size: int = 100

    def each(self, items: Iterable[Any]) -> Iterator[Any]:
        for number, item in enumerate(items):
            if number % self.batch_size == 0:
                self.step()
            yield item


@dataclass(frozen=True)
class Registered:
    """What the ledger holds about a photo."""

    image: Image
    status: Status
    job_id: str | None
    reason: str = ""
    result: Result | None = None
    attempts: int = 1
    attempts_reset: int = 0
    due_at: str = ""
    code: str = ""
    recounts: int = 0

    @property
    def entry(self) -> LedgerEntry:
        attempt = (self.job_id, self.attempts, self.attempts_reset, self.reason, self.due_at, self.code, self.recounts)
        return LedgerEntry(self.image, self.status, *attempt, model=self.result.model if self.result else "")


@dataclass
class FakeLedger(_Fake):
    items: dict[str, Registered] = field(default_factory=dict)

    def read(self, image_ids: Collection[str]) -> dict[str, LedgerEntry]:
        self._requests(len(image_ids))
        return {image_id: self.items[image_id].entry for image_id in image_ids if image_id in self.items}

    def all(self) -> Iterator[LedgerEntry]:
        return (held.entry for held in self.items.values())

    def register(self, images: Sequence[Image], job_id: str, now: str) -> None:
        for image in self.each(images):
            self.items.setdefault(image.image_id, Registered(image, Status.SUBMITTED, job_id))

    def receive(self, images: Sequence[Image], now: str) -> None:
        for image in self.each(images):
            fresh = Registered(image, Status.RECEIVED, None, attempts=0, due_at=now)
            self.items.setdefault(image.image_id, fresh)

    def reject(self, image: Image, reason: str, now: str, code: str = "") -> None:
        self.step()
        self.items.setdefault(image.image_id, Registered(image, Status.REJECTED, None, reason, attempts=0, code=code))

    def of_job(self, job_id: str) -> list[str]:
        self.step()
        return [image_id for image_id, held in self.items.items() if held.job_id == job_id]

    def pending(self, now: str, most: int) -> list[LedgerEntry]:
        self.step()
        due = sorted(self._due(now), key=lambda held: held.due_at)[:most]
        self._requests(len(due) - KEYS_PER_READ)
        return [held.entry for held in due]

    def count_pending(self, now: str, limit: int) -> int:
        self.step()
        return min(len(self._due(now)), limit)

    def _due(self, now: str) -> list[Registered]:
        return [held for held in self.items.values() if held.status is Status.RECEIVED and held.due_at <= now]

    def _requests(self, keys: int) -> None:
        """A step for each request that reads so many keys."""
        for _ in range(max(-(-keys // KEYS_PER_READ), int(keys >= 0))):
            self.step()

    def assign(self, entries: Sequence[LedgerEntry], job_id: str, now: str) -> set[str]:
        moved = set()
        for entry in self.each(entries):
            held = self.items.get(entry.image.image_id)
            if held and held.status is Status.RECEIVED and held.attempts == entry.attempts:
                changes = {"status": Status.SUBMITTED, "job_id": job_id, "attempts": held.attempts + 1, "due_at": ""}
                self.items[held.image.image_id] = replace(held, **changes)
                moved.add(held.image.image_id)
        return moved

    def release(self, returns: Sequence[Requeue], job_id: str) -> set[str]:
        moved = set()
        for each in self.each(returns):
            held = self.items.get(each.image_id)
            if held and held.entry.is_held_by(job_id):
                changes = {"status": Status.RECEIVED, "reason": each.reason, "due_at": each.due_at, "code": each.code}
                self.items[each.image_id] = replace(held, **changes)
                moved.add(each.image_id)
        return moved

    def reopen(self, image_ids: Collection[str], now: str) -> set[str]:
        failed = [self.items[each] for each in image_ids if each in self.items]
        failed = [held for held in failed if held.status is Status.FAILED]
        for held in failed:
            changes = {"status": Status.RECEIVED, "attempts_reset": held.attempts, "due_at": now}
            self.items[held.image.image_id] = replace(held, **changes)
        return {held.image.image_id for held in failed}

    def recount(self, entries: Sequence[LedgerEntry], now: str) -> set[str]:
        moved = set()
        for entry in self.each(entries):
            held = self.items.get(entry.image.image_id)
            if held and held.status is Status.COUNTED and held.attempts == entry.attempts:
                changes = {"status": Status.RECEIVED, "attempts_reset": held.attempts, "due_at": now, "reason": ""}
                self.items[held.image.image_id] = replace(held, recounts=entry.recounts + 1, **changes)
                moved.add(held.image.image_id)
        return moved

    def complete(self, completions: Sequence[Completion], job_id: str, now: str) -> set[str]:
        moved = set()
        for each in self.each(completions):
            held = self.items.get(each.image_id)
            if held and _may_complete(held.entry, each.status, job_id):
                result = each.result or held.result
                changes = {"status": each.status, "reason": each.reason, "result": result, "due_at": ""}
                code = each.result.code if isinstance(each.result, PredictionError) else ""
                self.items[each.image_id] = replace(held, code=code, **changes)
                moved.add(each.image_id)
        return moved


def _may_complete(held: LedgerEntry, status: Status, job_id: str) -> bool:
    return held.is_held_by(job_id) if status is Status.FAILED else held.takes_result_of(job_id)


@dataclass
class FakeBins(_Fake):
    items: dict[str, BinCount] = field(default_factory=dict)

    def read(self, bin_ids: Collection[str]) -> dict[str, BinCount]:
        self.step()
        return {bin_id: self.items[bin_id] for bin_id in bin_ids if bin_id in self.items}

    def record(self, counts: Sequence[BinCount], now: str) -> dict[str, BinCount]:
        for count in self.each(counts):
            held = self.items.get(count.bin_id)
            if held is None or replaces(count, held):
                stays = held and held.image.image_id == count.image.image_id
                kept = {"human": held.human, "source": held.source} if held and stays else {}
                self.items[count.bin_id] = replace(count, revision=held.revision + 1 if held else 1, **kept)
        return {count.bin_id: self.items[count.bin_id] for count in counts}


@dataclass
class FakeDecisions(_Fake):
    """Writes the decision and its bin in one step, or neither."""

    bins: FakeBins = field(default_factory=FakeBins)
    items: dict[tuple[str, str], Decision] = field(default_factory=dict)

    def of_bin(self, bin_id: str) -> list[Decision]:
        self.step()
        found = [each for each in self.items.values() if each.bin_id == bin_id]
        return sorted(found, key=lambda each: (each.decided_at, each.decision_id))

    def all(self) -> Iterator[Decision]:
        return iter(self.items.values())

    def between(self, begins: str, ends: str) -> list[Decision]:
        self.step()
        found = [each for each in self.items.values() if begins <= each.decided_at < ends]
        return sorted(found, key=lambda each: (each.decided_at, each.decision_id))

    def first(self, begins: str, ends: str, limit: int) -> list[Decision]:
        return self.between(begins, ends)[:limit]

    def add(self, decision: Decision, shown: BinCount | None) -> bool:
        return self._write(decision, shown, (decision.bin_id, decision.decision_id) not in self.items)

    def mark_undone(self, decision: Decision, shown: BinCount | None) -> bool:
        held = self.items.get((decision.bin_id, decision.decision_id))
        return self._write(decision, shown, held is not None and not held.undone_by)

    def _write(self, decision: Decision, shown: BinCount | None, may: bool) -> bool:
        self.step()
        if not may or (shown and self.bins.items[shown.bin_id].revision != shown.revision):
            return False
        self.items[decision.bin_id, decision.decision_id] = decision
        if shown:
            self.bins.items[shown.bin_id] = replace(shown, revision=shown.revision + 1)
        return True


@dataclass(frozen=True)
class Opened:
    """What the jobs table holds about a job."""

    job: Job
    touched_at: str
    claimed_until: str | None = None

    @property
    def status(self) -> JobStatus:
        return self.job.status

    @property
    def as_read(self) -> Job:
        """The job as it is read. A finished or abandoned job is not in the index and has no `touched_at`."""
        return replace(self.job, touched_at=self.touched_at if self.status in UNFINISHED else "")


@dataclass
class FakeJobs(_Fake):
    items: dict[str, Opened] = field(default_factory=dict)

    def create(self, job: Job, now: str) -> None:
        self.step()
        held = self.items.get(job.job_id)
        if held is None or held.status in (JobStatus.PREPARED, JobStatus.ABANDONED):
            count = held.job.prepare_count + 1 if held else 1
            prepared = replace(job, status=JobStatus.PREPARED, prepare_count=count, created_at=now)
            self.items[job.job_id] = Opened(prepared, now)

    def open(self, job: Job, now: str) -> None:
        changes = {"status": JobStatus.OPEN, "closed_at": "", "reason": ""}
        self._move(job.job_id, (JobStatus.PREPARED, JobStatus.ABANDONED), now, **changes)

    def read(self, job_ids: Collection[str]) -> dict[str, Job]:
        self.step()
        return {job_id: self.items[job_id].as_read for job_id in job_ids if job_id in self.items}

    def all(self) -> Iterator[Job]:
        return (held.as_read for held in self.items.values())

    def unfinished(self, status: JobStatus, until: str, most: int) -> list[Job]:
        self.step()
        found = [held for held in self.items.values() if held.status is status and held.touched_at <= until]
        found = [held for held in found if status in UNFINISHED]
        return [held.as_read for held in sorted(found, key=lambda held: held.touched_at)][:most]

    def in_flight(self, engine: EngineName) -> InFlight:
        self.step()
        jobs = [held.job for held in self.items.values() if held.status in UNFINISHED and held.job.engine is engine]
        sent = sum(job.status is JobStatus.SENT for job in jobs)
        return InFlight(len(jobs), sent, sum(job.images for job in jobs))

    def touch(self, job_id: str, now: str) -> None:
        self.step()
        held = self.items.get(job_id)
        if held and held.status in UNFINISHED:
            self.items[job_id] = replace(held, touched_at=now)

    def claim(self, job: Job, now: str, until: str) -> bool:
        self.step()
        held = self.items.get(job.job_id)
        if not held or held.status is not JobStatus.OPEN or (held.claimed_until and held.claimed_until >= now):
            return False
        send_count = held.job.send_count + 1
        self.items[job.job_id] = replace(held, claimed_until=until, job=replace(held.job, send_count=send_count))
        return True

    def mark_sent(self, job: Job, receipt: Mapping[str, str], now: str) -> None:
        changes = {"status": JobStatus.SENT, "submitted_at": now, **receipt}
        self._move(
            job.job_id,
            (JobStatus.OPEN,),
            now,
            lambda each: each.job.transform_attempt == job.transform_attempt,
            **changes,
        )

    def defer(self, job: Job, now: str) -> None:
        changes = {
            "transform_attempt": job.transform_attempt,
            "due_at": job.due_at,
            "reason": job.reason,
            "status": JobStatus.OPEN,
        }
        held = (JobStatus.OPEN, JobStatus.SENT)
        self._move(
            job.job_id,
            held,
            job.due_at or now,
            lambda each: each.job.transform_attempt == job.transform_attempt - 1,
            **changes,
        )

    def close(self, job_id: str, status: JobStatus, reason: str, now: str) -> None:
        self._move(job_id, CLOSED_FROM[status], now, status=status, reason=reason, closed_at=now)

    def abandon(self, job: Job, now: str) -> None:
        changes = {"status": JobStatus.ABANDONED, "reason": "No image waits for it.", "closed_at": now}
        self._move(
            job.job_id, (JobStatus.PREPARED,), now, lambda each: each.job.prepare_count == job.prepare_count, **changes
        )

    def _move(
        self,
        job_id: str,
        held: Collection[JobStatus],
        now: str,
        only: Callable[[Opened], bool] = lambda _: True,
        **changes: Any,
    ) -> None:
        self.step()
        found = self.items.get(job_id)
        if found and found.status in held and only(found):
            self.items[job_id] = Opened(replace(found.job, **changes), now)


@dataclass
class FakeEngine(_Fake):
    """`asked` are the jobs that it accepted, `outputs` its predictions, by key. While `down`, or for a job that it
    `refuses`, it takes nothing; `full` it is over the account's quota. Jobs that went `elsewhere` can't be looked into.
    `ended_at` has when jobs ended, by job id; the others ended long ago.
    """

    name: EngineName = EngineName.ASYNC
    manifests: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    down: bool = False
    full: bool = False
    refuses: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)
    ended_at: dict[str, str] = field(default_factory=dict)

    @property
    def supports_polling(self) -> bool:
        return self.name is EngineName.BATCH

    def prepare(self, job: Job, shards: Sequence[Sequence[Image]]) -> None:
        for key, images in zip(job.manifests, shards, strict=True):
            self.step()
            self.manifests[key] = build_manifest(images)

    def submit(self, job: Job) -> Mapping[str, str]:
        self.step()
        if self.full:
            raise QuotaExceededError(f"{job.job_id} waits")
        if self.down or job.job_id in self.refuses:
            raise EngineUnavailableError(f"{job.job_id}: no endpoint")
        self.asked.append(job.job_id)
        receipt = {"output_location": self.location(job)}
        if self.name is EngineName.ASYNC:
            receipt["failure_location"] = f"{JOBS_BUCKET}{self.name}/failure/{job.job_id}"
        return receipt

    def poll(self, job: Job) -> JobResult | None:
        self.step()
        if job.job_id in self.elsewhere:
            raise InvalidEventError(f"{job.output_location} is not in the jobs bucket")
        if job.job_id in self.failures and self.name is not EngineName.LAMBDA:  # Lambda keeps no failure
            output = self.location(job) if self.supports_polling else None
            result = replace(self.result(job, self.failures[job.job_id]), output_location=output)
        elif any(key in self.outputs for key in job.manifests):
            result = self.result(job)
        else:
            return None
        return replace(result, ended_at=self.ended_at.get(job.job_id, ""))

    def results(self, job: Job, output_location: str | None) -> Iterator[tuple[list[str], dict[str, Result]]]:
        if output_location and not output_location.startswith(f"{JOBS_BUCKET}{self.name}/output/"):
            raise InvalidEventError(f"{output_location} is not in the jobs bucket")
        for key in job.manifests:
            self.step()
            ids = parse_manifest(self.manifests[key]) if key in self.manifests else []
            yield ids, parse_output(self.outputs.get(key, "")) if output_location else {}

    def location(self, job: Job) -> str:
        """The job's output location."""
        return f"{JOBS_BUCKET}{self.name}/output/{job.job_id}/"

    def result(self, job: Job, failure: str = "") -> JobResult:
        """What the engine announces when it has finished."""
        return JobResult(
            job.job_id, self.location(job), failure, job.transform_attempt if self.supports_polling else None
        )

    def answer(self, job: Job, records: Iterable[Mapping[str, object]]) -> str:
        """Write prediction lines as the job's output, one file for each manifest; its location."""
        by_id = {str(record.get("image_id")): record for record in records}
        for key in job.manifests:
            lines = [json.dumps(by_id[each]) for each in parse_manifest(self.manifests[key]) if each in by_id]
            self.outputs[key] = "".join(f"{line}\n" for line in lines)
        return self.location(job)


@dataclass
class FakeIntakeQueue(_Fake):
    """`waiting` says how many messages wait."""

    waiting: Callable[[], int] = lambda: 0

    def depth(self) -> int:
        self.step()
        return self.waiting()


UNJUDGED = {
    "verdict": Verdict.PENDING,
    "reason": NOT_COUNTED,
    "counted": None,
    "counted_at_least": None,
    "odds": None,
    "attention": None,
    "audit_share": None,
    "accepted": None,
}


@dataclass
class FakeOrders(_Fake):
    items: dict[tuple[str, str], OrderLine] = field(default_factory=dict)
    judged: list[str] = field(default_factory=list)  # consignments whose changes are still in the table's stream
    waiting: set[tuple[str, str]] = field(default_factory=set)  # for their due time, in the index
    items_read: int = 0  # what DynamoDB charges for

    def read(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], OrderLine]:
        self.step()
        found = {key: self.items[key] for key in keys if key in self.items}
        self.items_read += len(found)
        return found

    def of_consignment(self, consignment_id: str) -> list[OrderLine]:
        self.step()
        lines = [line for (consignment, _), line in sorted(self.items.items()) if consignment == consignment_id]
        self.items_read += len(lines)
        return lines

    def unless_pending(self, consignment_id: str) -> list[OrderLine]:
        lines = self.of_consignment(consignment_id)
        pending = [number for number, line in enumerate(reversed(lines)) if line.verdict is Verdict.PENDING]
        if not pending:
            return lines
        pages = pending[0] // LINES_PER_PAGE + 1
        self.items_read += min(pages * LINES_PER_PAGE, len(lines)) - len(lines)
        return []

    def of_consignments(self, consignment_ids: Collection[str]) -> dict[str, list[OrderLine]]:
        found = {each: self.of_consignment(each) for each in consignment_ids}
        return {each: lines for each, lines in found.items() if lines}

    def of_bins(self, bin_ids: Collection[str]) -> set[tuple[str, str]]:
        self.step()
        return {key for key in self.items if key[1] in bin_ids}

    def due(self, now: str, most: int) -> list[tuple[str, str]]:
        self.step()
        return sorted(key for key in self.waiting if key in self.items and (self.items[key].due_at or "~") <= now)[
            :most
        ]

    def queued(self, group: Group, after: tuple[str, str, str] | None = None) -> Iterator[tuple[str, str]]:
        self.step()
        places = sorted((line.attention.rank, *key) for key, line in self._in(group) if line.attention)
        return (
            (consignment, bin_id) for rank, consignment, bin_id in places if (rank, consignment, bin_id) > (after or ())
        )

    def count_queued(self, group: Group, limit: int) -> int:
        self.step()
        return min(len(self._in(group)), limit)

    def _in(self, group: Group) -> list[tuple[tuple[str, str], OrderLine]]:
        return [(key, line) for key, line in self.items.items() if line.attention and line.attention.group is group]

    def put(self, lines: Sequence[OrderLine], now: str) -> None:
        for line in self.each(lines):
            key = (line.consignment_id, line.bin_id)
            held = self.items.get(key)
            replaced_by = max(line.replace_version, held.replace_version if held else "")
            if held and held.order_version >= line.order_version:
                if held.replace_version < replaced_by:
                    self.items[key] = replace(held, replace_version=replaced_by)
            elif held and held.cancelled:
                kept = {"verdict": held.verdict, "reason": held.reason, "cancelled": held.cancelled}
                kept |= {"counted": held.counted, "counted_at_least": held.counted_at_least, "odds": held.odds}
                kept |= {"bin_revision": held.bin_revision, "audit_share": held.audit_share}
                self.items[key] = replace(line, replace_version=replaced_by, **kept)
            elif held and held.verdict is not Verdict.WITHDRAWN and held.terms == line.terms:
                self.items[key] = replace(held, order_version=line.order_version, replace_version=replaced_by)
            else:
                self.items[key] = replace(line, bin_revision=0, replace_version=replaced_by, overdue=False, **UNJUDGED)
                self._clock(key)

    def cancel(self, lines: Sequence[OrderLine], cancellation: Cancellation) -> int:
        moved = 0
        for line in self.each(lines):
            held = self.items.get(line.key)
            if held and not held.cancelled:
                if held.verdict is not Verdict.WITHDRAWN:
                    self.judged.append(line.consignment_id)
                changes = {"verdict": Verdict.WITHDRAWN, "reason": cancellation.reason, "overdue": False}
                self.items[line.key] = replace(held, cancelled=cancellation, attention=None, **changes)
                self._clock(line.key)
                moved += 1
        return moved

    def restore(self, lines: Sequence[OrderLine], now: str) -> int:
        moved = 0
        for line in self.each(lines):
            held = self.items.get(line.key)
            if held and held.cancelled:
                is_outdated = held.order_version < held.replace_version
                changes = {"reason": NO_LONGER_ORDERED} if is_outdated else {"bin_revision": 0, **UNJUDGED}
                self.items[line.key] = replace(held, cancelled=None, **changes)
                self._clock(line.key)
                moved += 1
        return moved

    def withdraw(self, lines: Sequence[tuple[OrderLine, str]], now: str) -> int:
        moved = 0
        for line, version in self.each(lines):
            key = (line.consignment_id, line.bin_id)
            held = self.items.get(key)
            if held and held.order_version == line.order_version:
                if held.verdict is not Verdict.WITHDRAWN:
                    self.judged.append(line.consignment_id)
                    moved += 1
                changes = {"replace_version": max(version, held.replace_version), "reason": NO_LONGER_ORDERED}
                changes |= {"reason": held.cancelled.reason} if held.cancelled else {}
                changes |= {"overdue": False, "attention": None}
                self.items[key] = replace(held, verdict=Verdict.WITHDRAWN, **changes)
                self._clock(key)
        return moved

    def judge(self, findings: Sequence[tuple[OrderLine, Finding, int]], now: str) -> set[tuple[str, str]]:
        written = set()
        for line, finding, revision in self.each(findings):
            key = (line.consignment_id, line.bin_id)
            held = self.items.get(key)
            stands = held and held.terms[:3] == line.terms[:3] and held.verdict is not Verdict.WITHDRAWN
            if held and stands and held.bin_revision <= revision:
                if finding.verdict not in (held.verdict, Verdict.PENDING):
                    self.judged.append(line.consignment_id)
                changes = {"verdict": finding.verdict, "reason": finding.reason, "counted": finding.counted}
                changes["counted_at_least"] = finding.counted_at_least
                changes |= {"odds": finding.odds, "attention": finding.attention, "audit_share": finding.audit_share}
                self.items[key] = replace(held, bin_revision=revision, overdue=finding.overdue, **changes)
                self._clock(key)
                written.add(key)
        return written

    def accept(self, line: OrderLine, acceptance: Acceptance) -> bool:
        self.step()
        held = self.items.get(line.key)
        as_seen = (line.expected, acceptance.bin_revision)
        if not held or not held.attention or (held.expected, held.bin_revision) != as_seen:
            return False
        self.items[line.key] = replace(held, attention=None, accepted=acceptance)
        return True

    def _clock(self, key: tuple[str, str]) -> None:
        line = self.items[key]
        waits = line.due_at and line.verdict in WAITING and not line.overdue
        (self.waiting.add if waits else self.waiting.discard)(key)


@dataclass
class FakeLeases(_Fake):
    items: dict[str, Lease] = field(default_factory=dict)

    def read(self, bin_ids: Collection[str]) -> dict[str, Lease]:
        self.step()
        return {bin_id: self.items[bin_id] for bin_id in bin_ids if bin_id in self.items}

    def take(self, wanted: Collection[Lease], now: str) -> set[str]:
        self.step()
        held = {lease.bin_id: self.items.get(lease.bin_id) for lease in wanted}
        taken = [lease for lease in wanted if not (has := held[lease.bin_id]) or not has.keeps_out(lease.who, now)]
        self.items |= {lease.bin_id: lease for lease in taken}
        return {lease.bin_id for lease in taken}

    def release(self, bin_ids: Collection[str], who: str) -> set[str]:
        self.step()
        released = {bin_id for bin_id in bin_ids if bin_id in self.items and self.items[bin_id].who == who}
        for bin_id in released:
            del self.items[bin_id]
        return released


@dataclass
class FakeChecks(_Fake):
    items: dict[tuple[str, str], Check] = field(default_factory=dict)

    def put(self, check: Check) -> None:
        self.step()
        self.items[check.at[:10], check.check_id] = check

    def between(self, begins: str, ends: str) -> list[Check]:
        self.step()
        found = [each for each in self.items.values() if begins <= each.at < ends]
        return sorted(found, key=lambda each: (each.at, each.check_id))


@dataclass
class FakeReports(_Fake):
    """`written` are the reports on files that are done, `noted` how far each import is."""

    written: dict[str, tuple[int, tuple[RefusedRow, ...]]] = field(default_factory=dict)
    noted: dict[StoredObject, Progress] = field(default_factory=dict)

    def progress(self, source: StoredObject) -> Progress | None:
        self.step()
        return self.noted.get(source)

    def write(self, source: StoredObject, file: OrderFile, adds: bool, progress: Progress) -> str:
        self.step()
        self.noted[source] = progress
        if progress.is_done:
            self.written[source.key] = (len(file.lines), file.refused)
        return f"{JOBS_BUCKET}orders/reports/{source.key}"


@dataclass
class FakeCatalogue(_Fake):
    """`data` is the file, or None without one; `reported` the refused rows of each version."""

    data: bytes | None = None
    reported: dict[str, int] = field(default_factory=dict)

    def read(self, version_id: str | None = None) -> Catalogue:
        self.step()
        return Catalogue() if self.data is None else parse_catalogue(self.data)

    def report(self, source: StoredObject, catalogue: Catalogue) -> str:
        self.step()
        self.reported[source.order] = catalogue.refused_rows
        return f"{JOBS_BUCKET}orders/reports/{source.key}"


@cache
def validator(kind: str) -> Callable[[object], object]:
    """Raises where a detail breaks the schema of its event. Compiled: simulations publish thousands of events."""
    validate: Callable[[object], object] = fastjsonschema.compile(json.loads((SCHEMAS / f"{kind}.json").read_text()))
    return validate


@dataclass
class FakeEvents(_Fake):
    """Accepts only events that match their schema."""

    published: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def publish(self, events: Iterable[tuple[str, Mapping[str, object]]]) -> None:
        found = [(kind, json.loads(json.dumps(detail))) for kind, detail in events]
        for kind, detail in self.each(found):
            validator(kind)(detail)
            self.published.append((kind, detail))

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [detail for each, detail in self.published if each == kind]

    def distinct(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """By event id, as a consumer sees them that knows repetitions."""
        return {detail["event_id"]: (kind, detail) for kind, detail in self.published}


class Fakes:
    """`usecases.ports.Dependencies` of fakes, wired to one count of steps."""

    def __init__(self, batch_size: int = 100) -> None:
        self.steps = Steps()
        self.ledger = FakeLedger(self.steps, batch_size)
        self.bins = FakeBins(self.steps, batch_size)
        self.decisions = FakeDecisions(self.steps, batch_size, self.bins)
        self.leases = FakeLeases(self.steps, batch_size)
        self.checks = FakeChecks(self.steps, batch_size)
        self.jobs = FakeJobs(self.steps, batch_size)
        self.async_engine = FakeEngine(self.steps, batch_size)
        self.batch_engine = FakeEngine(self.steps, batch_size, EngineName.BATCH)
        self.lambda_engine = FakeEngine(self.steps, batch_size, EngineName.LAMBDA)
        self.orders = FakeOrders(self.steps, batch_size)
        self.reports = FakeReports(self.steps, batch_size)
        self.catalogue = FakeCatalogue(self.steps, batch_size)
        self.events = FakeEvents(self.steps, batch_size)
        self.intake_queue = FakeIntakeQueue(self.steps)

    @property
    def engines(self) -> list[FakeEngine]:
        return [self.async_engine, self.batch_engine, self.lambda_engine]

    def engine(self, name: EngineName) -> FakeEngine:
        return next(engine for engine in self.engines if engine.name is name)

    def state(self) -> dict[str, Any]:
        """What the tables hold."""
        tables = {"ledger": self.ledger, "bins": self.bins, "jobs": self.jobs, "orders": self.orders}
        tables["decisions"] = self.decisions
        return deepcopy({name: fake.items for name, fake in tables.items()})

    def statuses(self) -> dict[str, Status]:
        """Key of each photo → its status."""
        return {held.image.key: held.status for held in self.ledger.items.values()}
