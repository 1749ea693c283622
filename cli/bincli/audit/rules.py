"""The conservation law: every photograph that was put stands in exactly one place, or is not accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bintally.domain.bins import BinCount, is_newer
from bintally.domain.image import Image, LedgerEntry, Status
from bintally.domain.jobs import UNANSWERED, Job
from bintally.domain.orders import iso

DEAD_LETTER = "DEAD LETTER"
QUEUED = "QUEUED"  # a message about it waits in the intake queue, or is with a function now
JUST_PUT = "JUST PUT"  # S3 may not have announced it yet
ABSENT = "NOT IN THE LEDGER"

Name = tuple[str, str | None]  # key and version id, which is None in a bucket that keeps no versions


@dataclass(frozen=True)
class Version:
    """One version of one object in the intake bucket. `put_at` is ISO 8601, as `bintally.domain.orders.iso` writes."""

    key: str
    version_id: str | None
    put_at: str

    @property
    def name(self) -> Name:
        return self.key, self.version_id


@dataclass(frozen=True)
class Facts:
    """What was found of a stack, in the order in which a photograph goes through it.

    `queued` is how many messages the intake queue has, those that a function holds included, and such dead letters as
    could not be read. `dead` are the photographs that the other dead letters are about.
    """

    versions: Sequence[Version]
    queued: int
    dead: Collection[Name]
    entries: Sequence[LedgerEntry]
    jobs: Mapping[str, Job]
    bins: Mapping[str, BinCount]


@dataclass(frozen=True)
class Patience:
    """How long a photograph may be unannounced, be due, and be held by a job, before something is wrong."""

    announcement: timedelta
    due: timedelta
    answer: timedelta


@dataclass(frozen=True)
class Finding:
    """A photograph that is not accounted for, and why. `state` is its status in the ledger, or ABSENT."""

    key: str
    version_id: str | None
    image_id: str
    state: str
    why: str


@dataclass(frozen=True)
class Audit:
    """`photographs` = the sum of `places` (statuses of the ledger, DEAD_LETTER, QUEUED, JUST_PUT) + the findings.

    `removed` of them are in the bucket no more.
    """

    photographs: int
    places: Mapping[str, int]
    findings: Sequence[Finding]
    removed: int

    @property
    def is_clean(self) -> bool:
        return not self.findings


def audit(facts: Facts, patience: Patience, now: datetime) -> Audit:
    """Where every photograph stands that the bucket, the ledger or a dead letter knows of."""
    places: Counter[str] = Counter()
    findings: list[Finding] = []
    latest = _newest_counted(facts.entries)
    for entry in facts.entries:
        why = _fault(entry, facts, latest, patience, now)
        if why:
            findings.append(_finding(entry, why))
        else:
            places[str(entry.status)] += 1
    strangers = _strangers(facts)
    for version, place in _placed(strangers, facts, iso(now - patience.announcement)):
        if place:
            places[place] += 1
        else:
            why = "No message about it waits in the intake queue or among its dead letters."
            findings.append(Finding(version.key, version.version_id, "", ABSENT, why))
    held = {version.name for version in facts.versions}
    names = [(entry.image.key, entry.image.version_id) for entry in facts.entries]
    removed = sum(name not in held for name in (*names, *(version.name for version in strangers)))
    return Audit(len(names) + len(strangers), places, sorted(findings, key=lambda one: (one.why, one.key)), removed)


def _strangers(facts: Facts) -> list[Version]:
    """The photographs that the ledger does not hold, those put last first."""
    known = {(entry.image.key, entry.image.version_id) for entry in facts.entries}
    found = {version.name: version for version in facts.versions if version.name not in known}
    found |= {name: Version(*name, "") for name in facts.dead if name not in known and name not in found}
    return sorted(found.values(), key=lambda one: (one.put_at, one.key, one.version_id or ""), reverse=True)


def _placed(strangers: Iterable[Version], facts: Facts, announced_until: str) -> Iterator[tuple[Version, str]]:
    """Each with its place, or with "" where it has none.

    A queue can't be read without taking from it. That as many photographs wait as there are messages, and those put
    last, is what speaks most for the system: the verdict on the others is certain once the queue is empty.
    """
    queued = facts.queued
    for version in strangers:
        if version.name in facts.dead:
            yield version, DEAD_LETTER
        elif queued > 0:
            queued -= 1
            yield version, QUEUED
        else:
            yield version, JUST_PUT if version.put_at > announced_until else ""


def _fault(entry: LedgerEntry, facts: Facts, latest: Mapping[str, Image], patience: Patience, now: datetime) -> str:
    """Why the ledger's word on a photograph can't be taken; "" where it can."""
    match entry.status:
        case Status.SUBMITTED:
            return _fault_of_job(facts.jobs.get(entry.job_id or ""), entry, iso(now - patience.answer))
        case Status.RECEIVED:
            if not entry.due_at:
                return "It is in no job, and has no time from which it is due."
            overdue = entry.due_at < iso(now - patience.due)
            return f"It is in no job, and has been due since {entry.due_at}." if overdue else ""
        case Status.COUNTED:
            return _fault_of_bin(entry.image, facts.bins, latest)
        case _:
            return "" if entry.reason else f"It is {entry.status} without a reason."


def _fault_of_job(job: Job | None, entry: LedgerEntry, since: str) -> str:
    if job is None:
        return f"Its job {entry.job_id} is not in the jobs table."
    if job.status not in UNANSWERED:
        return f"Its job {job.job_id} is {job.status}, and the ledger has no answer."
    if job.opened_at < since:
        return f"Its job {job.job_id} has been {job.status} since {job.submitted_at or job.opened_at}."
    return ""


def _fault_of_bin(image: Image, bins: Mapping[str, BinCount], latest: Mapping[str, Image]) -> str:
    if latest[image.bin_id] is not image:
        return ""
    shown = bins.get(image.bin_id)
    if shown is None:
        return f"It is counted, and the bin {image.bin_id} shows nothing."
    if is_newer(image, shown.image):
        return f"It is counted, and the bin {image.bin_id} shows an older photograph: {shown.image.key}."
    return ""


def _newest_counted(entries: Iterable[LedgerEntry]) -> dict[str, Image]:
    """From bin id to its newest photograph that is COUNTED."""
    newest: dict[str, Image] = {}
    for entry in entries:
        held = newest.get(entry.image.bin_id)
        if entry.status is Status.COUNTED and (held is None or is_newer(entry.image, held)):
            newest[entry.image.bin_id] = entry.image
    return newest


def _finding(entry: LedgerEntry, why: str) -> Finding:
    image = entry.image
    return Finding(image.key, image.version_id, image.image_id, str(entry.status), why)
