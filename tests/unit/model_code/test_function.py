from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from model_code import function
from tests.unit.model_code.sample_images import grey_image, jpeg, light_predictor

EVENT = json.loads((Path(__file__).parents[3] / "events" / "model" / "manifest.json").read_text())
JOBS = "bintally-jobs-000000000000-us-east-1"
PHOTOS = "photos"


@dataclass
class FakeStore:
    """S3 and SNS. While `broken` is set, its operation raises an error."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    published: list[dict[str, Any]] = field(default_factory=list)
    broken: str = ""

    def get_object(self, Bucket: str, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        body = self.objects[Bucket, Key]
        return {"Body": io.BytesIO(body), "ContentLength": len(body)}

    def put_object(self, Bucket: str, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803
        if self.broken == "put_object":
            raise OSError("S3 is not there")
        self.objects[Bucket, Key] = Body

    def publish(self, TopicArn: str, Message: str) -> None:  # noqa: N803
        if self.broken == "publish":
            raise OSError("SNS is not there")
        self.published.append({"topic": TopicArn, **json.loads(Message)})


@pytest.fixture
def store() -> FakeStore:
    """A manifest of two photos, one in a bucket that is not allowed."""
    uris = (f"s3://{PHOTOS}/a.jpg", "s3://elsewhere/b.jpg")
    lines = [json.dumps({"image_id": f"{n:032x}", "uri": uri, "version_id": None}) for n, uri in enumerate(uris)]
    job = function.parse(EVENT)
    return FakeStore({job.source: "\n".join(lines).encode(), (PHOTOS, "a.jpg"): jpeg(grey_image(4))})


def engine(store: Any) -> function.Engine:
    return function.Engine(light_predictor(), store, store, "topic", {PHOTOS})


def output(store: FakeStore) -> Iterator[dict[str, Any]]:
    return map(json.loads, store.objects[function.parse(EVENT).target].splitlines())


def test_an_event_names_manifest_and_output() -> None:
    job = function.parse(EVENT)

    assert job.source == (JOBS, f"jobs/{job.job_id}/input/manifest.jsonl")
    assert job.target == (JOBS, f"lambda/output/{job.job_id}.jsonl")


def test_the_output_has_a_line_for_each_photo(store: FakeStore) -> None:
    engine(store).run(function.parse(EVENT))

    first, second = output(store)
    assert (first["image_id"], first["count"]) == (f"{0:032x}", 4)
    assert (second["image_id"], second["error"]["code"]) == (f"{1:032x}", "bucket_not_allowed")


def test_the_same_event_twice_gives_the_same_output(store: FakeStore) -> None:
    first = engine(store).run(function.parse(EVENT))

    assert engine(store).run(function.parse(EVENT)) == first == list(output(store))
    assert len(store.published) == 2


def test_an_output_is_announced_as_sagemaker_does(store: FakeStore) -> None:
    engine(store).run(function.parse(EVENT))

    (note,) = store.published
    assert (note["topic"], note["inferenceId"], note["invocationStatus"]) == ("topic", EVENT["job_id"], "Completed")
    assert note["responseParameters"]["outputLocation"] == EVENT["output_location"]


def test_a_lost_announcement_is_no_failure(store: FakeStore) -> None:
    """A second run would count the photos again. The sweep finds the output."""
    store.broken = "publish"

    engine(store).run(function.parse(EVENT))

    assert len(list(output(store))) == 2


def test_an_output_that_cannot_be_written_is_a_failure(store: FakeStore) -> None:
    store.broken = "put_object"

    with pytest.raises(OSError, match="S3 is not there"):
        engine(store).run(function.parse(EVENT))
    assert store.published == []


@pytest.mark.parametrize(
    "event",
    [
        {},
        [],
        {"Records": []},
        EVENT | {"input_location": None},
        EVENT | {"output_location": "https://x/y"},
        EVENT | {"output_location": "s3://bucket"},
    ],
)
def test_another_event_is_refused(event: Any) -> None:
    with pytest.raises(ValueError, match=r"not a job|not s3://"):
        function.parse(event)
