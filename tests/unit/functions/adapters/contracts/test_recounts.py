"""What the use cases may rely on: another count of what is counted, in the ledger and in the bins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bintally.domain.bins import BinCount
from bintally.domain.image import LedgerEntry, Status
from bintally.domain.manifest import PredictionError

from tests.unit.functions.adapters.contracts.ports import ANSWER, IMAGES, completion, entries
from tests.unit.functions.examples import EARLIER, LATER, MODEL, NOON, counted, make_image, unreadable, unseen

OTHER = replace(ANSWER, model="resnet50@other")


def counted_once(ports: Any) -> LedgerEntry:
    """An image that job-1 counted."""
    ports.ledger.register(IMAGES[:1], "job-1", NOON)
    ports.ledger.complete([completion(IMAGES[0], Status.COUNTED, "", ANSWER)], "job-1", NOON)
    (entry,) = entries(ports, IMAGES[:1])
    return entry


def recounting(ports: Any) -> LedgerEntry:
    """The same image in job-2, for its recount."""
    ports.ledger.recount([counted_once(ports)], NOON)
    ports.ledger.assign(entries(ports, IMAGES[:1]), "job-2", NOON)
    (entry,) = entries(ports, IMAGES[:1])
    return entry


def test_a_counted_image_waits_for_a_job_again_with_all_its_attempts_and_its_count(ports: Any) -> None:
    entry = counted_once(ports)

    assert ports.ledger.recount([entry], NOON) == {IMAGES[0].image_id}

    again = LedgerEntry(IMAGES[0], Status.RECEIVED, "job-1", 1, 1, due_at=NOON, recounts=1, model=MODEL)
    assert entries(ports, IMAGES[:1]) == [again]
    assert ports.ledger.pending(NOON, 10) == [again]
    assert again.counted_attempts == 0


def test_an_image_is_recounted_once_by_those_who_ask_at_once(ports: Any) -> None:
    entry = counted_once(ports)
    ports.ledger.recount([entry], NOON)

    assert ports.ledger.recount([entry], NOON) == set()

    ports.ledger.assign(entries(ports, IMAGES[:1]), "job-2", NOON)
    ports.ledger.complete([completion(IMAGES[0], Status.COUNTED, "", OTHER)], "job-2", NOON)
    assert ports.ledger.recount([entry], NOON) == set(), "it was recounted since it was read"
    assert entries(ports, IMAGES[:1])[0].recounts == 1


@pytest.mark.parametrize("status", [Status.REJECTED, Status.SUPERSEDED, Status.FAILED])
def test_only_what_is_counted_is_recounted(ports: Any, status: Status) -> None:
    ports.ledger.register(IMAGES[:1], "job-1", NOON)
    ports.ledger.complete([completion(IMAGES[0], status, "Why.")], "job-1", NOON)

    assert ports.ledger.recount(entries(ports, IMAGES[:1]), NOON) == set()


def test_only_the_job_that_holds_it_completes_a_recount(ports: Any) -> None:
    """The first job's result may be delivered again at any time."""
    recounting(ports)

    assert ports.ledger.complete([completion(IMAGES[0], Status.COUNTED, "", ANSWER)], "job-1", NOON) == set()
    assert ports.ledger.complete([completion(IMAGES[0], Status.COUNTED, "", OTHER)], "job-2", NOON) == {
        IMAGES[0].image_id
    }

    (entry,) = entries(ports, IMAGES[:1])
    assert (entry.status, entry.model, entry.reason) == (Status.COUNTED, "resnet50@other", "")


def test_before_a_job_has_it_no_result_completes_a_recount(ports: Any) -> None:
    ports.ledger.recount([counted_once(ports)], NOON)

    assert ports.ledger.complete([completion(IMAGES[0], Status.COUNTED, "", ANSWER)], "job-1", NOON) == set()
    assert entries(ports, IMAGES[:1])[0].status is Status.RECEIVED


def test_a_recount_without_a_result_keeps_the_count(ports: Any) -> None:
    recounting(ports)

    ports.ledger.complete([completion(IMAGES[0], Status.COUNTED, "The recount had no result: Gone.")], "job-2", NOON)

    (entry,) = entries(ports, IMAGES[:1])
    assert (entry.status, entry.model) == (Status.COUNTED, MODEL)
    assert entry.reason == "The recount had no result: Gone."


def test_a_recount_that_refuses_the_image_ends_as_rejected(ports: Any) -> None:
    recounting(ports)

    refused = PredictionError("corrupt_image", "Damaged.", "resnet50@other")
    ports.ledger.complete([completion(IMAGES[0], Status.REJECTED, "Damaged.", refused)], "job-2", NOON)

    (entry,) = entries(ports, IMAGES[:1])
    assert (entry.status, entry.code, entry.model) == (Status.REJECTED, "corrupt_image", "resnet50@other")


NEWER, OLDER = make_image(sequencer="02", at=LATER), make_image(sequencer="01", at=EARLIER)
FIRST = counted(OLDER, 3)
SECOND = replace(counted(OLDER, 2), recounts=1)


@pytest.mark.parametrize(
    ("held", "offered", "accepted"),
    [
        (FIRST, SECOND, True),
        (SECOND, SECOND, False),
        (SECOND, FIRST, False),
        (SECOND, replace(FIRST, recounts=2), True),
        (FIRST, replace(unreadable(OLDER), recounts=1), True),
        (FIRST, replace(unseen(OLDER), recounts=1), False),
        (counted(NEWER), SECOND, False),
        (SECOND, counted(NEWER), True),
    ],
)
def test_a_bin_takes_a_recount_of_its_image_and_never_an_older_one(
    ports: Any, held: BinCount, offered: BinCount, accepted: bool
) -> None:
    ports.bins.record([held], NOON)

    ports.bins.record([offered], LATER)

    assert ports.bins.read(["P-17-C"])["P-17-C"] == (replace(offered, revision=2) if accepted else held)
