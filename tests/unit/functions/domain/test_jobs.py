from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from bintally.domain.jobs import JobStatus, in_parts, job_of
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.functions.examples import photographs

ids = st.lists(st.text("0123456789abcdef", min_size=32, max_size=32), min_size=1, max_size=20)


@given(ids.flatmap(lambda each: st.tuples(st.just(each), st.permutations(each))))
def test_the_same_photographs_are_the_same_job_in_any_order(drop: tuple[list[str], Sequence[str]]) -> None:
    image_ids, shuffled = drop

    assert job_of(shuffled) == job_of(image_ids) == job_of([*image_ids, *image_ids])


@given(ids, ids)
def test_other_photographs_are_another_job(some: list[str], others: list[str]) -> None:
    assert (job_of(some).job_id == job_of(others).job_id) == (set(some) == set(others))


@given(ids)
def test_a_job_id_is_one_that_sagemaker_takes(image_ids: list[str]) -> None:
    """InferenceId: 1 to 64 printable characters. TransformJobName: at most 63, letters, digits and dashes."""
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", job_of(image_ids).job_id)


def test_a_job_is_open_and_knows_its_manifest() -> None:
    job = job_of(image.image_id for image in photographs(3))

    assert (job.images, job.status, job.engine) == (3, JobStatus.OPEN, "async")
    assert job.manifest == f"jobs/{job.job_id}/input/manifest.jsonl"


@given(st.lists(st.integers()), st.integers(1, 7))
def test_parts_are_full_but_the_last_and_lose_nothing(items: list[int], size: int) -> None:
    parts = in_parts(items, size)

    assert [item for part in parts for item in part] == items
    assert all(len(part) == size for part in parts[:-1])
    assert all(parts)


@pytest.mark.parametrize(("number", "sizes"), [(0, []), (100, [100]), (101, [100, 1]), (250, [100, 100, 50])])
def test_parts_at_the_limit_of_a_transaction(number: int, sizes: list[int]) -> None:
    assert [len(part) for part in in_parts(range(number), 100)] == sizes
