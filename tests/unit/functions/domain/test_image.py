from __future__ import annotations

import itertools
import re

import pytest
from bintally.domain.image import TERMINAL, TRANSITIONS, Image, LedgerEntry, Status, may_follow
from hypothesis import given

from tests.unit.functions.examples import HOSTILE_KEYS, keys, make_image

RECEIVED, SUBMITTED = Status.RECEIVED, Status.SUBMITTED
COUNTED, REJECTED, FAILED, SUPERSEDED = Status.COUNTED, Status.REJECTED, Status.FAILED, Status.SUPERSEDED

LEGAL = {
    (None, RECEIVED),
    (None, SUBMITTED),
    (None, REJECTED),
    (RECEIVED, SUBMITTED),
    (RECEIVED, COUNTED),
    (RECEIVED, REJECTED),
    (RECEIVED, FAILED),
    (RECEIVED, SUPERSEDED),
    (SUBMITTED, RECEIVED),
    (SUBMITTED, COUNTED),
    (SUBMITTED, REJECTED),
    (SUBMITTED, FAILED),
    (SUBMITTED, SUPERSEDED),
    (COUNTED, RECEIVED),
    (FAILED, RECEIVED),
    (FAILED, COUNTED),
    (FAILED, REJECTED),
    (FAILED, SUPERSEDED),
}


def test_exactly_these_transitions_are_legal() -> None:
    every = set(itertools.product([None, *Status], Status))

    assert {(old, new) for old, new in every if may_follow(old, new)} == LEGAL


def test_only_a_missing_result_or_a_recount_follows_a_terminal_status() -> None:
    assert frozenset({COUNTED, REJECTED, FAILED, SUPERSEDED}) == TERMINAL
    assert set(TRANSITIONS) == {None, *Status}
    assert {status for status in TERMINAL if not TRANSITIONS[status]} == {REJECTED, SUPERSEDED}


@pytest.mark.parametrize("answer", [COUNTED, REJECTED, SUPERSEDED])
def test_a_result_completes_any_status_without_one(answer: Status) -> None:
    assert {status for status in Status if may_follow(status, answer)} == {RECEIVED, SUBMITTED, FAILED}


def test_every_status_leads_to_a_terminal_one() -> None:
    for status in set(Status) - TERMINAL:
        reached = {status}
        while more := {new for old in reached for new in TRANSITIONS[old]} - reached:
            reached |= more
        assert reached & TERMINAL, status


@given(keys)
def test_an_image_id_is_short_and_safe_for_any_key(key: str) -> None:
    assert re.fullmatch("[0-9a-f]{32}", make_image(key).image_id)


def test_an_image_id_distinguishes_bucket_key_and_version() -> None:
    images = [
        Image(bucket, key, version, "00", "", "")
        for bucket in ("a", "b")
        for key in ("a", "b", "ab", "a\nb")
        for version in ("1", "2", "b1")
    ]

    assert len({image.image_id for image in images}) == len(images)


def test_without_versions_an_image_id_depends_on_the_sequencer() -> None:
    first = Image("b", "k", None, "01", "2026-05-04T08:00:00.000Z", "bin")
    repeated = Image("b", "k", None, "01", "2026-05-04T08:00:00.000Z", "bin")
    second = Image("b", "k", None, "02", "2026-05-04T08:00:00.000Z", "bin")

    assert first.image_id == repeated.image_id != second.image_id


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_uri_holds_the_key_as_it_is(key: str) -> None:
    assert make_image(key).uri == f"s3://intake/{key}"


def test_a_key_that_ends_in_a_slash_is_a_folder() -> None:
    assert make_image("P-17-C/").is_folder_marker
    assert not make_image("P-17-C/a.jpg").is_folder_marker


@pytest.mark.parametrize(("attempts", "attempts_reset", "counted"), [(0, 0, 0), (3, 0, 3), (3, 3, 0), (4, 3, 1)])
def test_attempts_before_a_reset_do_not_count(attempts: int, attempts_reset: int, counted: int) -> None:
    assert LedgerEntry(make_image(), RECEIVED, "job-1", attempts, attempts_reset).counted_attempts == counted


def test_a_job_holds_exactly_the_images_submitted_with_it() -> None:
    held = {
        (status, job_id) for status in Status for job_id in ("job-1", "job-2", None)
        if LedgerEntry(make_image(), status, job_id).is_held_by("job-1")
    }  # fmt: skip

    assert held == {(SUBMITTED, "job-1")}
