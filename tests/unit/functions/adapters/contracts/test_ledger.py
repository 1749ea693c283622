"""What the use cases may rely on: the ledger."""

from __future__ import annotations

from typing import Any

import pytest
from bintally.domain.image import TERMINAL, LedgerEntry, Status
from bintally.domain.manifest import PredictionError
from bintally.domain.transitions import Requeue

from tests.unit.functions.adapters.contracts.ports import (
    ANSWER,
    IMAGES,
    completion,
    entries,
)
from tests.unit.functions.examples import (
    EARLIER,
    HOSTILE_KEYS,
    LATER,
    MODEL,
    NOON,
    counted,
    make_image,
    make_images,
)


def test_the_ledger_knows_which_images_name_a_job(ports: Any) -> None:
    ports.ledger.register(IMAGES[:2], "job-1", NOON)
    ports.ledger.register(IMAGES[2:], "job-2", NOON)

    assert sorted(ports.ledger.of_job("job-1")) == sorted(image.image_id for image in IMAGES[:2])
    assert ports.ledger.of_job("job-3") == []


def test_registered_images_are_in_the_ledger(ports: Any) -> None:
    ports.ledger.register(IMAGES, "job-1", NOON)

    held = ports.ledger.read([image.image_id for image in IMAGES] + ["unknown"])

    assert held == {image.image_id: LedgerEntry(image, Status.SUBMITTED, "job-1", 1) for image in IMAGES}
    assert ports.ledger.read([]) == {}


def test_a_registered_image_stays_with_its_first_job(ports: Any) -> None:
    ports.ledger.register(IMAGES[:2], "job-1", NOON)

    ports.ledger.register(IMAGES, "job-2", LATER)

    held = ports.ledger.read([image.image_id for image in IMAGES])
    assert [held[image.image_id].job_id for image in IMAGES] == ["job-1", "job-1", "job-2"]


@pytest.mark.parametrize("number", [0, 1, 101])
def test_any_number_of_images_is_registered(ports: Any, number: int) -> None:
    images = make_images(number)

    ports.ledger.register(images, "job-1", NOON)

    assert len(ports.ledger.read([image.image_id for image in images])) == number


def test_a_rejected_image_has_no_job(ports: Any) -> None:
    ports.ledger.reject(IMAGES[0], "A folder.", NOON, "folder_marker")

    assert ports.ledger.read([IMAGES[0].image_id]) == {
        IMAGES[0].image_id: LedgerEntry(IMAGES[0], Status.REJECTED, None, reason="A folder.", code="folder_marker")
    }


def test_neither_registering_nor_rejecting_changes_an_existing_entry(ports: Any) -> None:
    ports.ledger.register(IMAGES[:1], "job-1", NOON)
    ports.ledger.reject(IMAGES[1], "no", NOON)

    ports.ledger.reject(IMAGES[0], "no", NOON)
    ports.ledger.register(IMAGES[1:2], "job-2", NOON)

    held = ports.ledger.read([image.image_id for image in IMAGES])
    assert {entry.image.key: (entry.status, entry.job_id) for entry in held.values()} == {
        IMAGES[0].key: (Status.SUBMITTED, "job-1"),
        IMAGES[1].key: (Status.REJECTED, None),
    }


def test_completing_moves_submitted_images_and_returns_their_ids(ports: Any) -> None:
    ports.ledger.register(IMAGES[:2], "job-1", NOON)
    outcomes = [
        completion(IMAGES[0], Status.COUNTED, "", ANSWER),
        completion(IMAGES[1], Status.REJECTED, "too_small: Small.", PredictionError("too_small", "Small.", MODEL)),
        completion(IMAGES[2], Status.COUNTED, "", ANSWER),
    ]

    assert ports.ledger.complete(outcomes, "job-1", LATER) == {IMAGES[0].image_id, IMAGES[1].image_id}

    held = ports.ledger.read([image.image_id for image in IMAGES])
    assert [held[image.image_id].status for image in IMAGES[:2]] == [Status.COUNTED, Status.REJECTED]
    assert [held[image.image_id].reason for image in IMAGES[:2]] == ["", "too_small: Small."]
    assert IMAGES[2].image_id not in held
    assert ports.ledger.complete([], "job-1", LATER) == set()


@pytest.mark.parametrize("terminal", [Status.COUNTED, Status.REJECTED, Status.SUPERSEDED])
def test_a_completed_image_stays_complete(ports: Any, terminal: Status) -> None:
    ports.ledger.register(IMAGES[:1], "job-1", NOON)
    ports.ledger.complete([completion(IMAGES[0], terminal, "first")], "job-1", NOON)

    for status in TERMINAL:
        assert ports.ledger.complete([completion(IMAGES[0], status, "second", ANSWER)], "job-1", LATER) == set()

    assert entries(ports, IMAGES[:1]) == [LedgerEntry(IMAGES[0], terminal, "job-1", 1, reason="first")]


@pytest.mark.parametrize("status", [Status.COUNTED, Status.REJECTED, Status.SUPERSEDED])
@pytest.mark.parametrize("job_id", ["job-1", "job-2"])
def test_a_late_result_completes_a_failed_image(ports: Any, status: Status, job_id: str) -> None:
    ports.ledger.register(IMAGES[:1], "job-1", NOON)
    ports.ledger.complete([completion(IMAGES[0], Status.FAILED, "internal: x")], "job-1", NOON)

    assert ports.ledger.complete([completion(IMAGES[0], Status.FAILED, "again")], "job-1", LATER) == set()
    assert ports.ledger.complete([completion(IMAGES[0], status)], job_id, LATER) == {IMAGES[0].image_id}

    assert entries(ports, IMAGES[:1]) == [LedgerEntry(IMAGES[0], status, "job-1", 1)]


@pytest.mark.parametrize("status", [Status.COUNTED, Status.REJECTED, Status.SUPERSEDED])
def test_a_result_completes_an_image_whichever_job_holds_it(ports: Any, status: Status) -> None:
    ports.ledger.register(IMAGES[:1], "job-2", NOON)
    ports.ledger.receive(IMAGES[1:2], NOON)

    moved = ports.ledger.complete([completion(image, status) for image in IMAGES[:2]], "job-1", LATER)

    assert moved == {image.image_id for image in IMAGES[:2]}
    assert [(entry.status, entry.due_at) for entry in entries(ports, IMAGES[:2])] == [(status, "")] * 2
    assert ports.ledger.pending(LATER, 10) == []


def test_only_the_job_that_holds_an_image_can_fail_it(ports: Any) -> None:
    ports.ledger.register(IMAGES[:1], "job-1", NOON)
    ports.ledger.register(IMAGES[1:2], "job-2", NOON)
    ports.ledger.receive(IMAGES[2:], NOON)

    moved = ports.ledger.complete([completion(image, Status.FAILED, "internal: x") for image in IMAGES], "job-1", LATER)

    assert moved == {IMAGES[0].image_id}
    assert [entry.status for entry in entries(ports)] == [Status.FAILED, Status.SUBMITTED, Status.RECEIVED]


def test_a_received_image_waits_for_a_job(ports: Any) -> None:
    ports.ledger.receive(IMAGES, NOON)

    expected = [LedgerEntry(image, Status.RECEIVED, None, due_at=NOON) for image in IMAGES]
    assert entries(ports) == expected
    assert by_key(ports.ledger.pending(NOON, 100)) == expected


def by_key(entries: list[LedgerEntry]) -> list[LedgerEntry]:
    return sorted(entries, key=lambda entry: entry.image.key)


def test_neither_receiving_nor_registering_changes_an_existing_entry(ports: Any) -> None:
    ports.ledger.register(IMAGES[:1], "job-1", NOON)
    ports.ledger.receive(IMAGES[1:2], NOON)

    ports.ledger.receive(IMAGES, LATER)
    ports.ledger.register(IMAGES, "job-2", LATER)

    assert entries(ports) == [
        LedgerEntry(IMAGES[0], Status.SUBMITTED, "job-1", 1),
        LedgerEntry(IMAGES[1], Status.RECEIVED, None, due_at=NOON),
        LedgerEntry(IMAGES[2], Status.RECEIVED, None, due_at=LATER),
    ]


@pytest.mark.parametrize("number", [0, 1, 250])
def test_every_due_image_is_pending(ports: Any, number: int) -> None:
    images = make_images(number)
    ports.ledger.receive(images, NOON)

    assert [entry.image for entry in by_key(ports.ledger.pending(NOON, 10_000))] == images
    assert ports.ledger.pending(EARLIER, 10_000) == []


@pytest.mark.parametrize("most", [0, 1, 7, 8, 9, 50])
def test_pending_returns_at_most_the_limit_and_some_if_there_are_any(ports: Any, most: int) -> None:
    """Read and assigned repeatedly, all images are found."""
    images = make_images(60)
    ports.ledger.receive(images, NOON)

    found = ports.ledger.pending(NOON, most)

    assert len({entry.image.image_id for entry in found}) == len(found) <= most
    assert bool(found) == bool(most)


def test_pending_images_come_oldest_first_and_are_counted(ports: Any) -> None:
    late, early = make_images(30)[:20], make_images(30)[20:]
    ports.ledger.receive(late, NOON)
    ports.ledger.receive(early, EARLIER)

    assert ports.ledger.pending(NOON, 8)[0].due_at == EARLIER
    assert [entry.due_at for entry in ports.ledger.pending(NOON, 1_000)] == [EARLIER] * 10 + [NOON] * 20
    counts = [ports.ledger.count_pending(now, limit) for now in (EARLIER, NOON) for limit in (0, 1, 29, 1_000)]
    assert counts == [0, 1, 10, 10, 0, 1, 29, 30]


def test_pending_images_can_be_assigned_in_parts(ports: Any) -> None:
    ports.ledger.receive(make_images(30), NOON)
    taken = []

    while some := ports.ledger.pending(NOON, 8):
        assert ports.ledger.assign(some, "job-1", NOON) == {entry.image.image_id for entry in some}
        taken += some

    assert [entry.image for entry in by_key(taken)] == make_images(30)


def test_assigning_moves_an_image_into_a_job_once(ports: Any) -> None:
    ports.ledger.receive(IMAGES[:2], NOON)
    seen = entries(ports, IMAGES[:2])

    assert ports.ledger.assign(seen, "job-1", LATER) == {image.image_id for image in IMAGES[:2]}
    assert ports.ledger.assign(seen, "job-2", LATER) == set()

    assert entries(ports, IMAGES[:2]) == [LedgerEntry(image, Status.SUBMITTED, "job-1", 1) for image in IMAGES[:2]]
    assert ports.ledger.pending(LATER, 10) == []
    assert ports.ledger.assign([], "job-1", LATER) == set()


def test_an_image_attempted_since_it_was_read_is_not_assigned(ports: Any) -> None:
    """The job's id depends on the attempts of each of its images."""
    ports.ledger.receive(IMAGES[:1], NOON)
    (seen,) = entries(ports, IMAGES[:1])
    ports.ledger.assign([seen], "job-1", NOON)
    ports.ledger.release([Requeue(IMAGES[0].image_id, "internal: x", NOON)], "job-1")

    assert ports.ledger.assign([seen], "job-2", LATER) == set()

    assert ports.ledger.assign(entries(ports, IMAGES[:1]), "job-3", LATER) == {IMAGES[0].image_id}
    assert entries(ports, IMAGES[:1]) == [LedgerEntry(IMAGES[0], Status.SUBMITTED, "job-3", 2, reason="internal: x")]


def test_an_unknown_image_is_neither_assigned_nor_released_nor_completed(ports: Any) -> None:
    unknown = LedgerEntry(IMAGES[0], Status.RECEIVED, None)

    assert ports.ledger.assign([unknown], "job-1", NOON) == set()
    assert ports.ledger.release([Requeue(IMAGES[0].image_id, "x", NOON)], "job-1") == set()
    assert ports.ledger.complete([completion(IMAGES[0], Status.FAILED, "x")], "job-1", NOON) == set()
    assert ports.ledger.reopen([IMAGES[0].image_id], NOON) == set()

    assert list(ports.ledger.all()) == []


def test_a_released_image_waits_until_it_is_due(ports: Any) -> None:
    ports.ledger.register(IMAGES[:1], "job-1", EARLIER)

    assert ports.ledger.release([Requeue(IMAGES[0].image_id, "internal: x", NOON)], "job-1") == {IMAGES[0].image_id}

    expected = LedgerEntry(IMAGES[0], Status.RECEIVED, "job-1", 1, reason="internal: x", due_at=NOON)
    assert entries(ports, IMAGES[:1]) == [expected]
    assert ports.ledger.pending("2026-05-04T11:59:59.999Z", 10) == []
    assert ports.ledger.pending(NOON, 10) == [expected]


def test_a_job_releases_only_its_own_images_and_only_once(ports: Any) -> None:
    ports.ledger.register(IMAGES[:1], "job-1", NOON)
    ports.ledger.register(IMAGES[1:2], "job-2", NOON)
    ports.ledger.receive(IMAGES[2:], NOON)
    returns = [Requeue(image.image_id, "internal: x", LATER) for image in IMAGES]

    assert ports.ledger.release(returns, "job-1") == {IMAGES[0].image_id}
    assert ports.ledger.release(returns, "job-1") == set()
    assert ports.ledger.release([], "job-1") == set()

    assert [entry.due_at for entry in entries(ports)] == [LATER, "", NOON]


@pytest.mark.parametrize("terminal", sorted(TERMINAL))
def test_a_completed_image_is_not_released(ports: Any, terminal: Status) -> None:
    ports.ledger.register(IMAGES[:1], "job-1", NOON)
    ports.ledger.complete([completion(IMAGES[0], terminal)], "job-1", NOON)

    assert ports.ledger.release([Requeue(IMAGES[0].image_id, "internal: x", NOON)], "job-1") == set()


@pytest.mark.parametrize("number", [1, 101])
def test_a_failed_image_is_reopened_with_its_attempts_reset(ports: Any, number: int) -> None:
    images = make_images(number)
    ids = {image.image_id for image in images}
    ports.ledger.register(images, "job-1", EARLIER)
    ports.ledger.complete([completion(image, Status.FAILED, "internal: x") for image in images], "job-1", EARLIER)

    assert ports.ledger.reopen(ids, NOON) == ids
    assert ports.ledger.reopen(ids, LATER) == set()

    expected = [LedgerEntry(image, Status.RECEIVED, "job-1", 1, 1, "internal: x", NOON) for image in images]
    assert entries(ports, images) == expected
    assert by_key(ports.ledger.pending(NOON, 10_000)) == expected
    assert {entry.counted_attempts for entry in expected} == {0}


@pytest.mark.parametrize("status", [Status.COUNTED, Status.REJECTED, Status.SUPERSEDED, Status.SUBMITTED])
def test_only_failed_images_are_reopened(ports: Any, status: Status) -> None:
    ports.ledger.register(IMAGES[:1], "job-1", NOON)
    ports.ledger.receive(IMAGES[1:2], NOON)
    if status in TERMINAL:
        ports.ledger.complete([completion(IMAGES[0], status)], "job-1", NOON)

    assert ports.ledger.reopen([IMAGES[0].image_id, IMAGES[1].image_id, "unknown"], LATER) == set()

    assert [entry.status for entry in entries(ports, IMAGES[:2])] == [status, Status.RECEIVED]
    assert ports.ledger.reopen([], LATER) == set()


def test_more_images_than_a_transaction_holds_pass_every_transition(ports: Any) -> None:
    images = make_images(101)
    ids = {image.image_id for image in images}
    ports.ledger.receive(images, NOON)

    assert ports.ledger.assign(entries(ports, images), "job-1", NOON) == ids
    assert ports.ledger.release([Requeue(each, "internal: x", NOON) for each in ids], "job-1") == ids
    assert ports.ledger.assign(entries(ports, images), "job-2", NOON) == ids
    assert (
        ports.ledger.complete([completion(image, Status.COUNTED, "", ANSWER) for image in images], "job-2", NOON) == ids
    )


def test_all_entries_are_listed(ports: Any) -> None:
    ports.ledger.register(IMAGES[:1], "job-1", NOON)
    ports.ledger.receive(IMAGES[1:2], NOON)
    ports.ledger.reject(IMAGES[2], "A folder.", NOON, "folder_marker")

    assert by_key(list(ports.ledger.all())) == entries(ports)


@pytest.mark.parametrize("key", [key for key in HOSTILE_KEYS if key != "."])
def test_a_hostile_key_is_read_back_unchanged(ports: Any, key: str) -> None:
    image = make_image(key)

    ports.ledger.register([image], "job-1", NOON)
    ports.bins.record([counted(image)], NOON)

    assert ports.ledger.read([image.image_id])[image.image_id].image == image
    assert ports.bins.read([image.bin_id])[image.bin_id].image == image


@pytest.mark.parametrize("status", [Status.COUNTED, Status.REJECTED, Status.SUPERSEDED])
def test_an_image_completed_meanwhile_is_not_assigned(ports: Any, status: Status) -> None:
    """The result of an earlier job: it does not name the attempt."""
    ports.ledger.receive(IMAGES[:1], NOON)
    seen = entries(ports, IMAGES[:1])
    ports.ledger.complete([completion(IMAGES[0], status)], "job-1", NOON)

    assert ports.ledger.assign(seen, "job-2", LATER) == set()

    assert [entry.status for entry in entries(ports, IMAGES[:1])] == [status]
