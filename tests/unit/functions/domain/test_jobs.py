from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import pytest
from bintally.domain.batches import batched
from bintally.domain.jobs import UNFINISHED, EngineName, JobStatus, job_of
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.functions.examples import make_images
from tests.unit.functions.usecases.runs import first_job_of

Asked = list[tuple[str, int]]
hexadecimal = st.text("0123456789abcdef", min_size=32, max_size=32)
asked = st.lists(st.tuples(hexadecimal, st.integers(0, 12)), min_size=1, max_size=20)
engines = st.sampled_from(EngineName)


@given(asked.flatmap(lambda each: st.tuples(st.just(each), st.permutations(each))), engines)
def test_the_same_images_are_the_same_job_in_any_order(
    drop: tuple[Asked, Sequence[tuple[str, int]]], engine: EngineName
) -> None:
    asked, shuffled = drop

    assert job_of(shuffled, engine) == job_of(asked, engine) == job_of([*asked, *asked], engine)


@given(asked, asked)
def test_other_images_are_another_job(some: Asked, others: Asked) -> None:
    assert (job_of(some).job_id == job_of(others).job_id) == (set(some) == set(others))


@given(asked, st.data())
def test_a_retried_image_makes_another_job(asked: Asked, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(asked) - 1))
    image_id, attempts = asked[number]
    again = [*asked[:number], (image_id, attempts + 13), *asked[number + 1 :]]

    assert job_of(again).job_id != job_of(asked).job_id


@given(asked, engines)
def test_a_job_id_is_valid_for_sagemaker_and_names_its_engine(asked: Asked, engine: EngineName) -> None:
    """InferenceId: 1 to 64 printable characters. TransformJobName: at most 63, letters, digits and dashes."""
    job_id = job_of(asked, engine).job_id

    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", job_id)
    assert re.fullmatch(f"{engine}-[0-9a-f]{{40}}", job_id)


@given(asked)
def test_a_job_of_one_engine_is_not_that_of_the_other(asked: Asked) -> None:
    assert job_of(asked, EngineName.ASYNC).job_id != job_of(asked, EngineName.BATCH).job_id


def test_a_job_is_prepared_and_knows_its_manifest() -> None:
    job = first_job_of(make_images(3))

    assert (job.images, job.shards, job.status, job.engine) == (3, 1, JobStatus.PREPARED, "async")
    assert job.manifests == [f"jobs/{job.job_id}/input/manifest.jsonl"]


@given(asked, st.integers(1, 200))
def test_a_transform_job_has_one_manifest_for_each_shard_in_order(asked: Asked, shards: int) -> None:
    job = job_of(asked, EngineName.BATCH, shards)

    assert len(set(job.manifests)) == shards
    assert job.manifests == sorted(job.manifests)
    assert all(key.startswith(job.folder) and key.count("/") == 3 for key in job.manifests)
    assert job.manifests[0] == f"jobs/{job.job_id}/input/00000.jsonl"


@given(asked, asked)
def test_each_job_has_its_own_folder(some: Asked, others: Asked) -> None:
    """SageMaker reads every object below the prefix."""
    jobs = [job_of(each, engine) for each in (some, others) for engine in EngineName]

    for one, other in itertools.permutations(jobs, 2):
        assert one.job_id == other.job_id or not other.folder.startswith(one.folder)


def test_a_job_is_unfinished_until_it_is_closed() -> None:
    assert set(JobStatus) - UNFINISHED == {JobStatus.DONE, JobStatus.FAILED, JobStatus.ABANDONED}


@given(st.lists(st.integers()), st.integers(1, 7))
def test_batches_are_full_except_the_last_and_lose_nothing(items: list[int], size: int) -> None:
    parts = batched(items, size)

    assert [item for part in parts for item in part] == items
    assert all(len(part) == size for part in parts[:-1])
    assert all(parts)


@pytest.mark.parametrize(("number", "sizes"), [(0, []), (100, [100]), (101, [100, 1]), (250, [100, 100, 50])])
def test_batches_at_the_limit_of_a_transaction(number: int, sizes: list[int]) -> None:
    assert [len(part) for part in batched(range(number), 100)] == sizes
