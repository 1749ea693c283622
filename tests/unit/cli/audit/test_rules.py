from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from bincli.audit.rules import (
    DEAD_LETTER,
    JUST_UPLOADED,
    QUEUED,
    UNREGISTERED,
    Audit,
    GracePeriods,
    ObjectVersion,
    Snapshot,
    audit,
)
from bintally.domain.bins import BinCount, BinStatus
from bintally.domain.image import TERMINAL, Image, LedgerEntry, Status
from bintally.domain.jobs import UNFINISHED, Job, JobStatus
from bintally.domain.objects import padded_sequencer
from bintally.domain.times import iso
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
LONG_AGO, LATELY = iso(NOW - timedelta(days=2)), iso(NOW - timedelta(seconds=5))
GRACE = GracePeriods(timedelta(minutes=5), timedelta(hours=1), timedelta(hours=8))
JOBS = {
    f"async-{status}": Job(f"async-{status}", 1, status=status, created_at=LATELY, submitted_at=LATELY)
    for status in JobStatus
}
OPEN_JOBS = [job_id for job_id, job in JOBS.items() if job.status in UNFINISHED]
NOBODY = Snapshot([], 0, set(), [], JOBS, {})


def make_image(key: str, version: str | None = "v1", sequencer: str = "A", at: str = LONG_AGO) -> Image:
    return Image("intake", key, version, padded_sequencer(sequencer), at, key.split("/")[0])


def entry_of(image: Image, status: Status, job_id: str = "async-SENT") -> LedgerEntry:
    """An entry as the functions leave it."""
    reason = "" if status in (Status.COUNTED, Status.SUBMITTED, Status.RECEIVED) else "why: Because."
    return LedgerEntry(image, status, job_id, 1, 0, reason, LATELY if status is Status.RECEIVED else "")


def version_of(image: Image) -> ObjectVersion:
    return ObjectVersion(image.key, image.version_id, image.captured_at)


def shown(image: Image) -> dict[str, BinCount]:
    return {image.bin_id: BinCount(image, BinStatus.COUNTED, 1)}


def snapshot_of(*entries: LedgerEntry, **more: object) -> Snapshot:
    """A ledger of these, all of them still in the bucket, with the bins as they should be."""
    bins = {}
    for entry in entries:
        if entry.status is Status.COUNTED:
            bins |= shown(entry.image)
    known = [version_of(entry.image) for entry in entries]
    return replace(NOBODY, versions=known, entries=list(entries), bins=bins, **more)


def audited(snapshot: Snapshot) -> Audit:
    return audit(snapshot, GRACE, NOW)


@pytest.mark.parametrize("status", Status)
def test_a_photo_in_an_expected_place_is_accounted_for(status: Status) -> None:
    assert audited(snapshot_of(entry_of(make_image("a/1.jpg"), status))) == Audit(1, {str(status): 1}, [], 0)


def test_a_photo_that_no_table_or_queue_knows_is_a_finding() -> None:
    (finding,) = audited(replace(NOBODY, versions=[ObjectVersion("a.jpg", "v1", LONG_AGO)])).findings

    assert (finding.key, finding.version_id, finding.state) == ("a.jpg", "v1", UNREGISTERED)
    assert "No message about it is in the intake queue" in finding.reason


def test_a_photo_that_was_just_uploaded_is_in_flight() -> None:
    assert audited(replace(NOBODY, versions=[ObjectVersion("a.jpg", "v1", LATELY)])).places == {JUST_UPLOADED: 1}


def test_the_latest_uploads_are_taken_to_be_in_the_queue() -> None:
    versions = [ObjectVersion(f"{day}.jpg", "v1", f"2026-05-0{day}T00:00:00.000Z") for day in (1, 2, 3)]

    found = audited(replace(NOBODY, versions=versions, queued=2))

    assert found.places == {QUEUED: 2}
    assert [finding.key for finding in found.findings] == ["1.jpg"]


def test_a_dead_letter_accounts_for_its_photo_even_if_the_photo_was_removed() -> None:
    found = audited(
        replace(NOBODY, versions=[ObjectVersion("a.jpg", "v1", LONG_AGO)], dead={("a.jpg", "v1"), ("b.jpg", None)})
    )

    assert (found.images, found.places, found.findings, found.removed) == (2, {DEAD_LETTER: 2}, [], 1)


def test_a_dead_letter_about_a_photo_that_the_ledger_holds_is_a_repetition() -> None:
    entry = entry_of(make_image("a.jpg"), Status.COUNTED)

    assert audited(snapshot_of(entry, dead={("a.jpg", "v1")})).places == {"COUNTED": 1}


def test_each_version_of_a_key_is_a_photo_of_its_own() -> None:
    first = entry_of(make_image("a.jpg", "v1", "A"), Status.SUPERSEDED)
    snapshot = snapshot_of(first, entry_of(make_image("a.jpg", "v2", "B"), Status.COUNTED))

    found = audited(replace(snapshot, versions=[*snapshot.versions, ObjectVersion("a.jpg", "v3", LONG_AGO)]))

    assert found.images == 3
    assert [finding.version_id for finding in found.findings] == ["v3"]


def test_a_photo_without_versions_is_found_by_its_key() -> None:
    assert audited(snapshot_of(entry_of(make_image("a.jpg", None), Status.COUNTED))).is_clean


def test_a_photo_removed_from_the_bucket_is_reported() -> None:
    snapshot = snapshot_of(entry_of(make_image("a.jpg"), Status.COUNTED))

    assert audited(replace(snapshot, versions=[])) == Audit(1, {"COUNTED": 1}, [], 1)


@pytest.mark.parametrize("status", [status for status in JobStatus if status not in UNFINISHED])
def test_a_photo_that_an_answered_job_holds_is_lost(status: JobStatus) -> None:
    (finding,) = audited(snapshot_of(entry_of(make_image("a.jpg"), Status.SUBMITTED, f"async-{status}"))).findings

    assert f"is {status}, but the ledger has no result" in finding.reason


def test_a_photo_that_an_unknown_job_holds_is_lost() -> None:
    (finding,) = audited(snapshot_of(entry_of(make_image("a.jpg"), Status.SUBMITTED, "async-9"))).findings

    assert finding.reason == "Its job async-9 is not in the jobs table."
    assert finding.image_id == make_image("a.jpg").image_id


def test_a_job_that_nothing_processes_is_reported() -> None:
    jobs = {"async-1": Job("async-1", 1, status=JobStatus.OPEN, created_at=LONG_AGO)}

    (finding,) = audited(snapshot_of(entry_of(make_image("a.jpg"), Status.SUBMITTED, "async-1"), jobs=jobs)).findings

    assert finding.reason == f"Its job async-1 has been OPEN since {LONG_AGO}."


@pytest.mark.parametrize(
    ("due_at", "why"),
    [(LONG_AGO, f"has been due since {LONG_AGO}"), ("", "has no due time")],
)
def test_a_photo_that_no_job_takes_is_reported(due_at: str, why: str) -> None:
    entry = replace(entry_of(make_image("a.jpg"), Status.RECEIVED), due_at=due_at)

    (finding,) = audited(snapshot_of(entry)).findings

    assert why in finding.reason


@pytest.mark.parametrize("status", [Status.REJECTED, Status.FAILED, Status.SUPERSEDED])
def test_a_photo_that_ends_without_a_reason_is_reported(status: Status) -> None:
    (finding,) = audited(snapshot_of(replace(entry_of(make_image("a.jpg"), status), reason=""))).findings

    assert finding.reason == f"It is {status} without a reason."


def test_a_bin_must_show_its_newest_counted_photo() -> None:
    old, new = make_image("a/1.jpg", at=LONG_AGO), make_image("a/2.jpg", at=LATELY)
    snapshot = snapshot_of(entry_of(old, Status.COUNTED), entry_of(new, Status.COUNTED))

    assert audited(snapshot).is_clean
    (older,) = audited(replace(snapshot, bins=shown(old))).findings
    (nothing,) = audited(replace(snapshot, bins={})).findings
    assert (older.key, older.reason) == ("a/2.jpg", "It is counted, but the bin a shows an older photo: a/1.jpg.")
    assert (nothing.key, nothing.reason) == ("a/2.jpg", "It is counted, but the bin a shows nothing.")


def test_a_bin_may_show_a_newer_photo_that_could_not_be_counted() -> None:
    snapshot = snapshot_of(entry_of(make_image("a/1.jpg"), Status.COUNTED))

    assert audited(replace(snapshot, bins=shown(make_image("a/2.jpg", at=LATELY)))).is_clean


# ---- Properties

NAMES = st.tuples(st.sampled_from(["a/1.jpg", "a/2.jpg", "b/1.jpg", "c.jpg", "folder/"]), st.sampled_from(["v1", "v2"]))
MOMENTS = st.sampled_from([LONG_AGO, LATELY])


@st.composite
def entries_of_anything(draw: st.DrawFn) -> LedgerEntry:
    key, version = draw(NAMES)
    job_id = draw(st.sampled_from([*JOBS, "async-nobody"]))
    image = make_image(key, version, draw(st.sampled_from("ABC")), draw(MOMENTS))
    entry = entry_of(image, draw(st.sampled_from(Status)), job_id)
    return replace(entry, reason=draw(st.sampled_from(["", "why: Because."])), due_at=draw(MOMENTS))


@st.composite
def any_snapshots(draw: st.DrawFn) -> Snapshot:
    """Anything that may be found, however broken."""
    names = draw(st.lists(NAMES, unique=True))
    entries = draw(st.lists(entries_of_anything(), unique_by=lambda entry: (entry.image.key, entry.image.version_id)))
    images = draw(st.lists(st.sampled_from([entry.image for entry in entries]), max_size=3)) if entries else []
    return Snapshot(
        versions=[ObjectVersion(*name, draw(MOMENTS)) for name in names],
        queued=draw(st.integers(0, 4)),
        dead=draw(st.sets(NAMES, max_size=4)),
        entries=entries,
        jobs=JOBS,
        bins={image.bin_id: BinCount(image, BinStatus.COUNTED, 1) for image in images},
    )


@st.composite
def healthy_snapshots(draw: st.DrawFn) -> Snapshot:
    """A stack in which nothing is lost."""
    keys = draw(st.lists(st.text("abc/", min_size=1, max_size=4), unique=True, max_size=8))
    entries = [
        entry_of(make_image(f"{key}.jpg"), draw(st.sampled_from(Status)), draw(st.sampled_from(OPEN_JOBS)))
        for key in keys
    ]
    by_bin = {entry.image.bin_id: entry for entry in entries}  # one photo to a bin
    return snapshot_of(*by_bin.values())


@given(any_snapshots())
def test_every_photo_is_in_one_place_or_is_a_finding(snapshot: Snapshot) -> None:
    found = audited(snapshot)
    names = {version.name for version in snapshot.versions} | set(snapshot.dead)
    names |= {(entry.image.key, entry.image.version_id) for entry in snapshot.entries}

    assert found.images == len(names) == sum(found.places.values()) + len(found.findings)
    assert len({(finding.key, finding.version_id) for finding in found.findings}) == len(found.findings)
    assert {(finding.key, finding.version_id) for finding in found.findings} <= names


@given(any_snapshots(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_found_does_not_matter(snapshot: Snapshot, random: object) -> None:
    def shuffled(items: object) -> list[object]:
        copy = list(items)  # type: ignore[call-overload]
        random.shuffle(copy)  # type: ignore[attr-defined]
        return copy

    other = replace(snapshot, versions=shuffled(snapshot.versions), entries=shuffled(snapshot.entries))

    assert audited(other).places == audited(snapshot).places


@given(any_snapshots())
def test_a_finished_photo_is_accounted_for_regardless_of_the_queues(snapshot: Snapshot) -> None:
    emptied = replace(snapshot, queued=0, dead=set())

    for status in TERMINAL:
        assert audited(emptied).places.get(str(status)) == audited(snapshot).places.get(str(status))


@given(any_snapshots())
def test_more_messages_never_make_more_findings(snapshot: Snapshot) -> None:
    longer_queue = replace(snapshot, queued=snapshot.queued + 1)

    assert len(audited(longer_queue).findings) <= len(audited(snapshot).findings)


@given(healthy_snapshots())
def test_a_healthy_stack_is_clean(snapshot: Snapshot) -> None:
    assert audited(snapshot).is_clean


@given(healthy_snapshots(), st.data())
def test_anything_lost_from_a_healthy_stack_is_reported(snapshot: Snapshot, data: st.DataObject) -> None:
    if not snapshot.entries:
        return
    lost = data.draw(st.sampled_from(snapshot.entries))
    without = replace(snapshot, entries=[entry for entry in snapshot.entries if entry is not lost])

    assert [(finding.key, finding.state) for finding in audited(without).findings] == [(lost.image.key, UNREGISTERED)]


@given(healthy_snapshots(), st.data())
def test_photos_lost_by_any_job_are_reported(snapshot: Snapshot, data: st.DataObject) -> None:
    job_id = data.draw(st.sampled_from(OPEN_JOBS))
    held = {e.image.key for e in snapshot.entries if e.status is Status.SUBMITTED and e.job_id == job_id}
    closed = replace(JOBS[job_id], status=data.draw(st.sampled_from([JobStatus.DONE, JobStatus.FAILED])))

    for jobs in ({**JOBS, job_id: closed}, {name: job for name, job in JOBS.items() if name != job_id}):
        assert {finding.key for finding in audited(replace(snapshot, jobs=jobs)).findings} == held
