"""The rules of the audit: every uploaded photo must be in exactly one place, or it is not accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bintally.domain.bins import BinCount, is_newer
from bintally.domain.image import Image, LedgerEntry, Status
from bintally.domain.jobs import UNFINISHED, Job
from bintally.domain.times import iso

DEAD_LETTER = "DEAD LETTER"
QUEUED = "QUEUED"  # a message about it is in the intake queue, or with a function
JUST_UPLOADED = "JUST UPLOADED"  # S3 may not have announced it yet
UNREGISTERED = "NOT IN THE LEDGER"

Name = tuple[str, str | None]  # key and version id; the id is None in a bucket without versioning


@dataclass(frozen=True)
class ObjectVersion:
    """One version of one object in the intake bucket. `uploaded_at` is in ISO 8601, as `iso` writes it."""

    key: str
    version_id: str | None
    uploaded_at: str

    @property
    def name(self) -> Name:
        return self.key, self.version_id


@dataclass(frozen=True)
class Snapshot:
    """A stack as it was read, in the order in which an image passes through it.

    `queued` is the number of messages in the intake queue, including those in flight, plus the dead letters that could
    not be received. `dead` are the images that the other dead letters name.
    """

    versions: Sequence[ObjectVersion]
    queued: int
    dead: Collection[Name]
    entries: Sequence[LedgerEntry]
    jobs: Mapping[str, Job]
    bins: Mapping[str, BinCount]


@dataclass(frozen=True)
class GracePeriods:
    """How long an image may wait for a notification, for a job, and for a result before something is wrong."""

    notification: timedelta
    submission: timedelta
    result: timedelta


@dataclass(frozen=True)
class Finding:
    """An image that is not accounted for, and why. `state` is its status in the ledger, or UNREGISTERED."""

    key: str
    version_id: str | None
    image_id: str
    state: str
    reason: str


@dataclass(frozen=True)
class Audit:
    """`images` is the sum of `places` (ledger statuses, DEAD_LETTER, QUEUED, JUST_UPLOADED) and the findings.

    `removed` of them are no longer in the bucket.
    """

    images: int
    places: Mapping[str, int]
    findings: Sequence[Finding]
    removed: int

    @property
    def is_clean(self) -> bool:
        return not self.findings


def audit(snapshot: Snapshot, grace: GracePeriods, now: datetime) -> Audit:
    """Where every image is that the bucket, the ledger or a dead letter knows of."""
    places: Counter[str] = Counter()
    findings: list[Finding] = []
    latest = _newest_counted(snapshot.entries)
    for entry in snapshot.entries:
        reason = _fault(entry, snapshot, latest, grace, now)
        if reason:
            findings.append(_finding(entry, reason))
        else:
            places[str(entry.status)] += 1
    unregistered = _unregistered(snapshot)
    for version, place in _placed(unregistered, snapshot, iso(now - grace.notification)):
        if place:
            places[place] += 1
        else:
            reason = "No message about it is in the intake queue or among its dead letters."
            findings.append(Finding(version.key, version.version_id, "", UNREGISTERED, reason))
    names = [(entry.image.key, entry.image.version_id) for entry in snapshot.entries]
    names += [version.name for version in unregistered]
    in_bucket = {version.name for version in snapshot.versions}
    removed = sum(name not in in_bucket for name in names)
    return Audit(len(names), places, sorted(findings, key=lambda one: (one.reason, one.key)), removed)


def _unregistered(snapshot: Snapshot) -> list[ObjectVersion]:
    """The images that the ledger does not have, newest uploads first."""
    known = {(entry.image.key, entry.image.version_id) for entry in snapshot.entries}
    found = {version.name: version for version in snapshot.versions if version.name not in known}
    found |= {name: ObjectVersion(*name, "") for name in snapshot.dead if name not in known and name not in found}
    return sorted(found.values(), key=lambda one: (one.uploaded_at, one.key, one.version_id or ""), reverse=True)


def _placed(
    unregistered: Iterable[ObjectVersion], snapshot: Snapshot, announced_until: str
) -> Iterator[tuple[ObjectVersion, str]]:
    """Each image with its place, or with "" if it has none.

    A queue can't be read without receiving its messages, so as many images count as queued as there are messages, the
    newest first. This errs in favour of the system. Once the queue is empty, the result is certain.
    """
    queued = snapshot.queued
    for version in unregistered:
        if version.name in snapshot.dead:
            yield version, DEAD_LETTER
        elif queued > 0:
            queued -= 1
            yield version, QUEUED
        else:
            yield version, JUST_UPLOADED if version.uploaded_at > announced_until else ""


def _fault(
    entry: LedgerEntry, snapshot: Snapshot, latest: Mapping[str, Image], grace: GracePeriods, now: datetime
) -> str:
    """What contradicts the ledger's status of an image; "" if nothing does."""
    match entry.status:
        case Status.SUBMITTED:
            return _fault_of_job(snapshot.jobs.get(entry.job_id or ""), entry, iso(now - grace.result))
        case Status.RECEIVED:
            if not entry.due_at:
                return "It is in no job, and has no due time."
            overdue = entry.due_at < iso(now - grace.submission)
            return f"It is in no job, and has been due since {entry.due_at}." if overdue else ""
        case Status.COUNTED:
            return _fault_of_bin(entry.image, snapshot.bins, latest)
        case _:
            return "" if entry.reason else f"It is {entry.status} without a reason."


def _fault_of_job(job: Job | None, entry: LedgerEntry, since: str) -> str:
    if job is None:
        return f"Its job {entry.job_id} is not in the jobs table."
    if job.status not in UNFINISHED:
        return f"Its job {job.job_id} is {job.status}, but the ledger has no result."
    if job.created_at < since:
        return f"Its job {job.job_id} has been {job.status} since {job.submitted_at or job.created_at}."
    return ""


def _fault_of_bin(image: Image, bins: Mapping[str, BinCount], latest: Mapping[str, Image]) -> str:
    if latest[image.bin_id] is not image:
        return ""
    shown = bins.get(image.bin_id)
    if shown is None:
        return f"It is counted, but the bin {image.bin_id} shows nothing."
    if is_newer(image, shown.image):
        return f"It is counted, but the bin {image.bin_id} shows an older photo: {shown.image.key}."
    return ""


def _newest_counted(entries: Iterable[LedgerEntry]) -> dict[str, Image]:
    """The newest COUNTED image of each bin, by bin id."""
    newest: dict[str, Image] = {}
    for entry in entries:
        known = newest.get(entry.image.bin_id)
        if entry.status is Status.COUNTED and (known is None or is_newer(entry.image, known)):
            newest[entry.image.bin_id] = entry.image
    return newest


def _finding(entry: LedgerEntry, reason: str) -> Finding:
    image = entry.image
    return Finding(image.key, image.version_id, image.image_id, str(entry.status), reason)
