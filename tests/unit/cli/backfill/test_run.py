from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bincli.backfill.journal import open_journal
from bincli.backfill.run import (
    ATTEMPTS,
    MAX_FAILURES,
    BackfillResult,
    RateLimiter,
    default_journal,
    is_transient,
    plan_backfill,
    run_backfill,
)
from bincli.backfill.uploads import Upload
from bincli.deployment import Deployment
from bincli.errors import CommandError
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.cli.moto_stack import MotoStack


def refusal(status: int) -> ClientError:
    facts: Any = {"Error": {"Code": "Refused", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(facts, "PutObject")


class FakeBucket:
    """Takes uploads; `errors` gives the errors to raise first for a key."""

    def __init__(self, errors: Callable[[str], list[Exception]] = lambda key: []) -> None:
        self.held: dict[str, bytes] = {}
        self.attempts: list[str] = []
        self._errors = errors
        self._raised: dict[str, list[Exception]] = {}

    def put_object(self, **request: Any) -> None:
        key = request["Key"]
        self.attempts.append(key)
        waiting = self._raised.setdefault(key, self._errors(key))
        if waiting:
            raise waiting.pop(0)
        self.held[key] = request["Body"].read()


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def limiter(self, rate: float = 1000) -> RateLimiter:
        return RateLimiter(rate, clock=lambda: self.now, sleep=self.sleep)


def files(folder: Path, number: int) -> list[Upload]:
    for each in range(number):
        (folder / f"{each}.jpg").write_bytes(b"content")
    return [Upload(f"{each}.jpg", 7, "1", folder / f"{each}.jpg") for each in range(number)]


def ignore(done: int, total: int | None = None) -> None:
    pass


def backfilled(bucket: FakeBucket, uploads: list[Upload], journal: Path) -> BackfillResult:
    deployment = Deployment("test", {"IntakeBucket": "intake"}, lambda service: bucket)
    with open_journal(journal, "shelf", "intake") as kept:
        return run_backfill(deployment, uploads, kept, limiter=Time().limiter(), on_progress=ignore)


def test_everything_is_uploaded_and_noted_in_the_journal(tmp_path: Path) -> None:
    bucket, uploads = FakeBucket(), files(tmp_path, 30)

    assert backfilled(bucket, uploads, tmp_path / "journal") == BackfillResult(30, {})

    assert bucket.held == {f"{number}.jpg": b"content" for number in range(30)}
    with open_journal(tmp_path / "journal", "shelf", "intake") as kept:
        assert kept.done == {f"{number}.jpg": "1" for number in range(30)}


def test_a_throttled_upload_is_repeated(tmp_path: Path) -> None:
    bucket = FakeBucket(lambda key: [refusal(503), EndpointConnectionError(endpoint_url="http://s3")])

    assert backfilled(bucket, files(tmp_path, 2), tmp_path / "journal").uploaded == 2
    assert len(bucket.attempts) == 6


@pytest.mark.parametrize(("error", "attempts"), [(refusal(403), 1), (refusal(500), ATTEMPTS)])
def test_failed_uploads_are_reported_and_the_rest_is_uploaded(
    tmp_path: Path, error: ClientError, attempts: int
) -> None:
    bucket = FakeBucket(lambda key: [error] * ATTEMPTS if key == "1.jpg" else [])

    done = backfilled(bucket, files(tmp_path, 3), tmp_path / "journal")

    assert (done.uploaded, list(done.failed)) == (2, ["1.jpg"])
    assert bucket.attempts.count("1.jpg") == attempts


def test_a_backfill_that_only_fails_stops(tmp_path: Path) -> None:
    bucket = FakeBucket(lambda key: [refusal(403)])

    with pytest.raises(CommandError, match=r"photos could not be uploaded.* The first one"):
        backfilled(bucket, files(tmp_path, MAX_FAILURES * 2), tmp_path / "journal")

    assert len(bucket.attempts) < MAX_FAILURES * 2


def test_a_file_that_vanished_is_not_repeated(tmp_path: Path) -> None:
    uploads = files(tmp_path, 1)
    (tmp_path / "0.jpg").unlink()

    assert "No such file" in backfilled(FakeBucket(), uploads, tmp_path / "journal").failed["0.jpg"]


@pytest.mark.parametrize(("status", "transient"), [(403, False), (404, False), (408, True), (429, True), (503, True)])
def test_only_a_transient_failure_is_repeated(status: int, transient: bool) -> None:
    assert is_transient(refusal(status)) is transient


@given(st.floats(0.1, 1000), st.integers(2, 40))
def test_uploads_stay_below_the_rate(rate: float, callers: int) -> None:
    time = Time()
    limiter = time.limiter(rate)

    for _ in range(callers):
        limiter.wait()

    assert time.now == pytest.approx((callers - 1) / rate)


class Interrupted(FakeBucket):
    """Ctrl-C comes during the fifth upload."""

    def put_object(self, **request: Any) -> None:
        if len(self.attempts) == 4:
            self.attempts.append("")
            raise KeyboardInterrupt
        super().put_object(**request)


def test_ctrl_c_stops_promptly_and_reports_progress(tmp_path: Path) -> None:
    bucket = Interrupted()

    done = backfilled(bucket, files(tmp_path, 2000), tmp_path / "journal")

    assert done.stopped
    assert done.uploaded == len(bucket.held) < 1000
    with open_journal(tmp_path / "journal", "shelf", "intake") as kept:
        assert set(kept.done) == set(bucket.held)


def test_a_pause_ends_with_ctrl_c() -> None:
    limiter = RateLimiter(0.001)
    limiter.stopped.set()

    limiter.wait()
    limiter.wait()
    limiter.pause(1000)


def test_a_killed_backfill_continues(stack: MotoStack, tmp_path: Path) -> None:
    """With encryption an ETag does not identify the content, so the journal has to."""
    (tmp_path / "shelf").mkdir()
    uploads = files(tmp_path / "shelf", 4)
    s3, bucket = stack.client("s3"), stack.output("IntakeBucket")
    for upload in uploads[:2]:
        encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/aws/s3"}
        s3.put_object(Bucket=bucket, Key=upload.key, Body=b"pict" + upload.key[:1].encode() * 3, **encrypted)
    stamps = {str(path.name): str(path.stat().st_mtime_ns) for path in (tmp_path / "shelf").iterdir()}

    plan = plan_backfill(stack.deployment, str(tmp_path / "shelf"), {"0.jpg": stamps["0.jpg"]}, any_file=False)

    assert [upload.key for upload in plan.uploads] == ["1.jpg", "2.jpg", "3.jpg"]
    assert plan.unchanged == 1


def test_files_that_are_not_photos_are_ignored_by_default(stack: MotoStack, tmp_path: Path) -> None:
    files(tmp_path, 1)
    (tmp_path / "labels.csv").write_text("id,count\n")

    assert plan_backfill(stack.deployment, str(tmp_path), {}, any_file=False).ignored == 1
    assert len(plan_backfill(stack.deployment, str(tmp_path), {}, any_file=True).uploads) == 2
    (tmp_path / "0.jpg").unlink()
    with pytest.raises(CommandError, match="no photos"):
        plan_backfill(stack.deployment, str(tmp_path), {}, any_file=False)


@pytest.mark.parametrize("prefix", ["", "/", "/old/"])
def test_the_intake_bucket_is_not_copied_to_itself(stack: MotoStack, prefix: str) -> None:
    with pytest.raises(CommandError, match="is the intake bucket itself"):
        plan_backfill(stack.deployment, f"s3://{stack.output('IntakeBucket')}{prefix}", {}, any_file=False)


def test_every_backfill_has_a_journal_of_its_own() -> None:
    assert len({default_journal(*names) for names in (("a", "x"), ("a", "y"), ("b", "x"))}) == 3
