from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bincli.backfill.costs import estimate
from bincli.backfill.journal import open_journal
from bincli.backfill.run import (
    ATTEMPTS,
    MOST_FAILURES,
    Backfilled,
    Pace,
    Plan,
    backfill,
    journal_of,
    may_pass,
    plan_backfill,
)
from bincli.backfill.uploads import Upload
from bincli.commands.backfill import duration, plan_text, show_backfilled, show_plan
from bincli.deployment import Deployment
from bincli.errors import CommandError
from bintally.domain.jobs import EngineName
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tests.unit.cli.operated import Operated


def refusal(status: int) -> ClientError:
    facts: Any = {"Error": {"Code": "Refused", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(facts, "PutObject")


class FakeBucket:
    """Takes what is put; `errors` gives for a key the errors to raise first."""

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

    def pace(self, rate: float = 1000) -> Pace:
        return Pace(rate, clock=lambda: self.now, sleep=self.sleep)


def files(folder: Path, number: int) -> list[Upload]:
    for each in range(number):
        (folder / f"{each}.jpg").write_bytes(b"picture")
    return [Upload(f"{each}.jpg", 7, "1", folder / f"{each}.jpg") for each in range(number)]


def backfilled(bucket: FakeBucket, uploads: list[Upload], journal: Path) -> Backfilled:
    deployment = Deployment("test", {"IntakeBucket": "intake"}, lambda service: bucket)
    with open_journal(journal, "shelf", "intake") as kept:
        return backfill(deployment, uploads, kept, pace=Time().pace(), tick=lambda done: None)


def test_everything_is_put_and_kept_in_the_journal(tmp_path: Path) -> None:
    bucket, uploads = FakeBucket(), files(tmp_path, 30)

    assert backfilled(bucket, uploads, tmp_path / "journal") == Backfilled(30, {})

    assert bucket.held == {f"{number}.jpg": b"picture" for number in range(30)}
    with open_journal(tmp_path / "journal", "shelf", "intake") as kept:
        assert kept.done == {f"{number}.jpg": "1" for number in range(30)}


def test_a_throttled_put_is_tried_again(tmp_path: Path) -> None:
    bucket = FakeBucket(lambda key: [refusal(503), EndpointConnectionError(endpoint_url="http://s3")])

    assert backfilled(bucket, files(tmp_path, 2), tmp_path / "journal").put == 2
    assert len(bucket.attempts) == 6


@pytest.mark.parametrize(("error", "attempts"), [(refusal(403), 1), (refusal(500), ATTEMPTS)])
def test_what_can_not_be_put_is_said_and_the_others_go_on(tmp_path: Path, error: ClientError, attempts: int) -> None:
    bucket = FakeBucket(lambda key: [error] * ATTEMPTS if key == "1.jpg" else [])

    done = backfilled(bucket, files(tmp_path, 3), tmp_path / "journal")

    assert (done.put, list(done.failed)) == (2, ["1.jpg"])
    assert bucket.attempts.count("1.jpg") == attempts


def test_a_backfill_that_only_fails_stops(tmp_path: Path) -> None:
    bucket = FakeBucket(lambda key: [refusal(403)])

    with pytest.raises(CommandError, match=r"photos could not be uploaded.* The first one"):
        backfilled(bucket, files(tmp_path, MOST_FAILURES * 2), tmp_path / "journal")

    assert len(bucket.attempts) < MOST_FAILURES * 2


def test_a_file_that_vanished_is_not_tried_again(tmp_path: Path) -> None:
    uploads = files(tmp_path, 1)
    (tmp_path / "0.jpg").unlink()

    assert "No such file" in backfilled(FakeBucket(), uploads, tmp_path / "journal").failed["0.jpg"]


@pytest.mark.parametrize(("status", "passing"), [(403, False), (404, False), (408, True), (429, True), (503, True)])
def test_only_what_may_pass_is_tried_again(status: int, passing: bool) -> None:
    assert may_pass(refusal(status)) is passing


@given(st.floats(0.1, 1000), st.integers(2, 40))
def test_no_more_go_through_than_the_rate_allows(rate: float, callers: int) -> None:
    time = Time()
    pace = time.pace(rate)

    for _ in range(callers):
        pace.wait()

    assert time.now == pytest.approx((callers - 1) / rate)


class Interrupted(FakeBucket):
    """Ctrl-C comes while the fifth photograph is put."""

    def put_object(self, **request: Any) -> None:
        if len(self.attempts) == 4:
            self.attempts.append("")
            raise KeyboardInterrupt
        super().put_object(**request)


def test_ctrl_c_stops_soon_and_says_how_far_it_came(tmp_path: Path) -> None:
    bucket = Interrupted()

    done = backfilled(bucket, files(tmp_path, 2000), tmp_path / "journal")

    assert done.stopped
    assert done.put == len(bucket.held) < 1000
    with open_journal(tmp_path / "journal", "shelf", "intake") as kept:
        assert set(kept.done) == set(bucket.held)
    out = io.StringIO()
    show_backfilled(PLAN, done, as_json=False, out=Console(file=out, width=200))
    assert out.getvalue().startswith(f"Stopped after {done.put:,} of 20 photos.\nRun the same command again")


def test_a_pause_ends_with_ctrl_c() -> None:
    pace = Pace(0.001)
    pace.stopped.set()

    pace.wait()
    pace.wait()
    pace.pause(1000)


def test_a_killed_backfill_goes_on_where_it_was(stack: Operated, tmp_path: Path) -> None:
    """S3 encrypts with a key, so that no ETag tells what is there: the journal does."""
    (tmp_path / "shelf").mkdir()
    uploads = files(tmp_path / "shelf", 4)
    s3, bucket = stack.client("s3"), stack.output("IntakeBucket")
    for upload in uploads[:2]:
        encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/aws/s3"}
        s3.put_object(Bucket=bucket, Key=upload.key, Body=b"pict" + upload.key[:1].encode() * 3, **encrypted)
    stamps = {str(path.name): str(path.stat().st_mtime_ns) for path in (tmp_path / "shelf").iterdir()}

    plan = plan_backfill(stack.deployment, str(tmp_path / "shelf"), {"0.jpg": stamps["0.jpg"]}, any_file=False)

    assert [upload.key for upload in plan.uploads] == ["1.jpg", "2.jpg", "3.jpg"]
    assert plan.held == 1


def test_what_is_no_photograph_is_left_out_unless_asked_for(stack: Operated, tmp_path: Path) -> None:
    files(tmp_path, 1)
    (tmp_path / "labels.csv").write_text("id,count\n")

    assert plan_backfill(stack.deployment, str(tmp_path), {}, any_file=False).left_out == 1
    assert len(plan_backfill(stack.deployment, str(tmp_path), {}, any_file=True).uploads) == 2
    (tmp_path / "0.jpg").unlink()
    with pytest.raises(CommandError, match="no photos"):
        plan_backfill(stack.deployment, str(tmp_path), {}, any_file=False)


@pytest.mark.parametrize("prefix", ["", "/", "/old/"])
def test_the_intake_bucket_is_not_put_into_itself(stack: Operated, prefix: str) -> None:
    with pytest.raises(CommandError, match="is the intake bucket itself"):
        plan_backfill(stack.deployment, f"s3://{stack.output('IntakeBucket')}{prefix}", {}, any_file=False)


def test_every_backfill_has_a_journal_of_its_own() -> None:
    assert len({journal_of(*names) for names in (("a", "x"), ("a", "y"), ("b", "x"))}) == 3


# ---- What is shown, and what it costs

PLAN = Plan([Upload(f"{number}.jpg", 500_000, "1") for number in range(20)], 3, 2)


def shown(as_json: bool) -> str:
    out = io.StringIO()
    show_plan(PLAN, 10, as_json=as_json, out=Console(file=out, width=100))
    return out.getvalue()


def test_a_plan_says_how_many_how_large_how_long_and_how_dear() -> None:
    text = shown(as_json=False)

    assert plan_text(PLAN) == (
        "20 photos to upload, 10.0 MB; 3 more are in the intake bucket already; 2 other files are left out."
    )
    assert "At 10 photos/s the upload takes 2 s." in text
    assert "async" in text
    assert "batch" in text
    assert "About the list prices of us-east-1 in 2025-06, not checked" in " ".join(text.split())


def test_a_plan_as_json_has_the_same() -> None:
    record = json.loads(shown(as_json=True))

    assert (record["photographs"], record["bytes"], record["held"], record["left_out"]) == (20, 10_000_000, 3, 2)
    assert [cost["engine"] for cost in record["costs"]] == ["async", "batch"]


def test_what_was_put_is_said_with_what_was_not() -> None:
    out = io.StringIO()
    show_backfilled(PLAN, Backfilled(19, {"[a].jpg": "no"}), as_json=False, out=Console(file=out, width=200))

    assert out.getvalue().splitlines() == [
        "[a].jpg: no",
        "19 photos uploaded to the intake bucket; 3 were there already; 2 other files were left out; "
        "1 could not be uploaded.",
    ]


@pytest.mark.parametrize(("seconds", "text"), [(12.4, "12 s"), (75, "1 min 15 s"), (10_000, "2 h 46 min")])
def test_a_duration_is_said_as_people_say_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("engine", EngineName)
def test_nothing_costs_nothing(engine: EngineName) -> None:
    assert estimate(engine, 0).dollars == 0


@given(st.sampled_from(EngineName), st.integers(1, 10**7), st.integers(1, 10**6))
def test_more_photographs_never_cost_less(engine: EngineName, number: int, more: int) -> None:
    assert 0 < estimate(engine, number).dollars <= estimate(engine, number + more).dollars


def test_a_million_photographs_by_hand() -> None:
    """Counting takes 11.1 hours of an instance, and each engine adds its idle time and its requests."""
    cost = estimate(EngineName.ASYNC, 1_000_000)

    assert cost.instance_hours == pytest.approx(1e6 / 25 / 3600 + 2 * 1200 / 3600, abs=0.01)
    assert cost.dollars == pytest.approx(cost.instance_hours * 0.204 + 6.88 + 7 * 0.625, abs=0.01)
