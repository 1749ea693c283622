"""Uploads existing photos to the intake bucket, at a steady rate and none of them twice."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bintally.domain.batches import batched
from botocore.exceptions import BotoCoreError, ClientError

from bincli.aws_errors import explain_aws_error
from bincli.backfill.journal import Journal
from bincli.backfill.uploads import Skipped, Upload, changed, is_photo, objects_in, upload, uploads_in
from bincli.deployment import Deployment, workdir
from bincli.errors import CommandError
from bincli.progress import ProgressCallback
from bincli.text import quantity

WORKERS = 12
BATCH = 1_000  # uploads that are given to the workers at once
ATTEMPTS = 5
FIRST_PAUSE = 0.5  # seconds, doubled with each further attempt
MAX_FAILURES = 100  # more than that is not a problem of single photos


@dataclass(frozen=True)
class Plan:
    """The uploads of a backfill. `unchanged` photos are already in the intake bucket, `ignored` files are not photos.

    `skipped` may be photos, or folders with photos, so a person must look at them.
    """

    uploads: list[Upload]
    unchanged: int
    ignored: int
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(each.size for each in self.uploads)


@dataclass(frozen=True)
class BackfillResult:
    """How many photos were uploaded, and the error of each that was not, by key. `stopped`: by Ctrl-C."""

    uploaded: int
    failed: dict[str, str]
    stopped: bool = False


class RateLimiter:
    """Lets `rate` callers a second through, over all threads. Once `stopped` is set, nobody waits."""

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.stopped = threading.Event()
        self._interval = 1 / rate
        self._clock = clock
        self._sleep = sleep or self.stopped.wait
        self._next = clock()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when it is the caller's turn."""
        with self._lock:
            now = self._clock()
            turn = max(self._next, now)
            self._next = turn + self._interval
        if turn > now:
            self._sleep(turn - now)

    def pause(self, seconds: float) -> None:
        self._sleep(seconds)


@dataclass
class Uploader:
    """What the threads of a backfill share."""

    s3: Any
    bucket: str
    journal: Journal
    limiter: RateLimiter
    on_progress: ProgressCallback
    uploaded: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        return self.limiter.stopped.is_set() or len(self.failed) >= MAX_FAILURES

    def upload(self, each: Upload) -> None:
        """Upload one photo, with several attempts if need be. Notes in the journal that it is done."""
        for attempt in range(1, ATTEMPTS + 1):
            self.limiter.wait()
            if self.is_over:
                return
            try:
                upload(self.s3, self.bucket, each)
            except (ClientError, BotoCoreError, OSError) as error:
                if attempt == ATTEMPTS or not is_transient(error):
                    self.failed[each.key] = str(error) if isinstance(error, OSError) else explain_aws_error(error)
                    return
                self.limiter.pause(FIRST_PAUSE * 2 ** (attempt - 1))
            else:
                self.journal.add(each.key, each.stamp)
                self.uploaded.append(each.key)
                self.on_progress(len(self.uploaded))
                return


def is_transient(error: Exception) -> bool:
    """Whether another attempt may succeed: not if the file can't be read, or the request itself was refused."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        return status >= 500 or status in (408, 429)
    return isinstance(error, BotoCoreError)


def plan_backfill(deployment: Deployment, source: str, done: dict[str, str], *, any_file: bool) -> Plan:
    """Compare `source` with the intake bucket. `done` is the journal. Raises CommandError for a useless source."""
    s3, bucket = deployment.s3, deployment.intake_bucket
    if f"{source}/".startswith(f"s3://{bucket}/"):
        raise CommandError(f"{source} is the intake bucket itself.")
    found = list(uploads_in(source, s3))
    chosen = [each for each in found if any_file or is_photo(each)]
    if not chosen:
        raise CommandError(f"There are no photos (.jpg, .jpeg, .png) in {source}; --any-file takes every file.")
    wanted = [each for each in chosen if isinstance(each, Upload)]
    skipped = [each for each in chosen if isinstance(each, Skipped)]
    uploads = changed(wanted, objects_in(s3, bucket), done)
    return Plan(uploads, len(wanted) - len(uploads), len(found) - len(chosen), skipped)


def run_backfill(
    deployment: Deployment,
    uploads: Sequence[Upload],
    journal: Journal,
    *,
    limiter: RateLimiter,
    on_progress: ProgressCallback,
) -> BackfillResult:
    """Do the uploads, several at once, until Ctrl-C. Raises CommandError after MAX_FAILURES of them have failed."""
    uploader = Uploader(deployment.s3, deployment.intake_bucket, journal, limiter, on_progress)
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            for batch in batched(uploads, BATCH):
                list(pool.map(uploader.upload, batch))
                if uploader.is_over:
                    break
        except KeyboardInterrupt:
            limiter.stopped.set()
    if len(uploader.failed) >= MAX_FAILURES:
        key, error = next(iter(uploader.failed.items()))
        raise CommandError(
            f"{quantity(len(uploader.failed), 'photo')} could not be uploaded, so this stopped after "
            f"{len(uploader.uploaded):,}. The first one, {key}: {error}"
        )
    return BackfillResult(len(uploader.uploaded), uploader.failed, stopped=limiter.stopped.is_set())


def default_journal(source: str, bucket: str) -> Path:
    """Where a backfill keeps its journal unless --journal says otherwise."""
    digest = hashlib.sha256(f"{source}\n{bucket}".encode()).hexdigest()[:12]
    return workdir() / f"backfill-{digest}.jsonl"
