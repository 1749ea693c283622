"""Photographs that lie elsewhere, into the intake bucket: at a steady rate, and without putting any twice."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bintally.domain.jobs import in_parts
from botocore.exceptions import BotoCoreError, ClientError

from bincli.aws_errors import explained
from bincli.backfill.journal import Journal
from bincli.backfill.uploads import Skipped, Upload, held_in, is_photograph, put, still_to_put, uploads_in
from bincli.deployment import Deployment, workdir
from bincli.errors import CommandError
from bincli.output import quantity
from bincli.progress import Tick

PUTS_AT_ONCE = 12
PART = 1_000  # uploads that are given to the threads in one go
ATTEMPTS = 5
FIRST_PAUSE = 0.5  # seconds, doubled with each further attempt
MOST_FAILURES = 100  # after which something is wrong with more than a few photographs


@dataclass(frozen=True)
class Plan:
    """What a backfill has to do: `uploads`. `held` are in the intake bucket already, `left_out` are no photographs.

    `skipped` may be photographs, or folders of them, that a person has to look at.
    """

    uploads: list[Upload]
    held: int
    left_out: int
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(upload.size for upload in self.uploads)


@dataclass(frozen=True)
class Backfilled:
    """How many photographs were put, and key → error of those that could not be. `stopped`: by Ctrl-C."""

    put: int
    failed: dict[str, str]
    stopped: bool = False


class Pace:
    """Lets `rate` callers a second through, whatever thread they come from. Nobody waits once `stopped` is set."""

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
class Running:
    """A backfill at work: what its threads share."""

    s3: Any
    bucket: str
    journal: Journal
    pace: Pace
    tick: Tick
    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def put(self, upload: Upload) -> None:
        """Put one photograph, in several attempts if need be, and keep that it is done or why it can't be."""
        for attempt in range(1, ATTEMPTS + 1):
            self.pace.wait()
            if self.pace.stopped.is_set() or len(self.failed) >= MOST_FAILURES:
                return
            try:
                put(self.s3, self.bucket, upload)
            except (ClientError, BotoCoreError, OSError) as error:
                if attempt == ATTEMPTS or not may_pass(error):
                    said = str(error) if isinstance(error, OSError) else explained(error)
                    self.failed[upload.key] = said
                    return
                self.pace.pause(FIRST_PAUSE * 2 ** (attempt - 1))
            else:
                self.journal.add(upload.key, upload.stamp)
                self.done.append(upload.key)
                self.tick(len(self.done))
                return


def may_pass(error: Exception) -> bool:
    """Whether another attempt may go better: not where the file can't be read or the request was refused as such."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        return status >= 500 or status in (408, 429)
    return isinstance(error, BotoCoreError)


def plan_backfill(deployment: Deployment, source: str, done: dict[str, str], *, any_file: bool) -> Plan:
    """What there is in `source`, and what of it the intake bucket holds. Raises CommandError for a useless source."""
    s3, bucket = deployment.client("s3"), deployment.output("IntakeBucket")
    if f"{source}/".startswith(f"s3://{bucket}/"):
        raise CommandError(f"{source} is the intake bucket itself.")
    found = list(uploads_in(source, s3))
    chosen = [each for each in found if any_file or is_photograph(each)]
    wanted = [each for each in chosen if isinstance(each, Upload)]
    skipped = [each for each in chosen if isinstance(each, Skipped)]
    if not chosen:
        raise CommandError(f"There are no photos (.jpg, .jpeg, .png) in {source}; --any-file takes every file.")
    uploads = still_to_put(wanted, held_in(s3, bucket), done)
    return Plan(uploads, len(wanted) - len(uploads), len(found) - len(chosen), skipped)


def backfill(
    deployment: Deployment, uploads: Sequence[Upload], journal: Journal, *, pace: Pace, tick: Tick
) -> Backfilled:
    """Put the uploads, a few at once, until Ctrl-C. Raises CommandError when MOST_FAILURES of them could not be put."""
    running = Running(deployment.client("s3"), deployment.output("IntakeBucket"), journal, pace, tick)
    with ThreadPoolExecutor(PUTS_AT_ONCE) as pool:
        try:
            for part in in_parts(uploads, PART):
                list(pool.map(running.put, part))
                if len(running.failed) >= MOST_FAILURES:
                    break
        except KeyboardInterrupt:
            pace.stopped.set()
    if len(running.failed) >= MOST_FAILURES:
        key, error = next(iter(running.failed.items()))
        raise CommandError(
            f"{quantity(len(running.failed), 'photo')} could not be uploaded, so this stopped after "
            f"{len(running.done):,}. The first one, {key}: {error}"
        )
    return Backfilled(len(running.done), running.failed, stopped=pace.stopped.is_set())


def journal_of(source: str, bucket: str) -> Path:
    """Where the journal of a backfill lies if its operator does not say."""
    digest = hashlib.sha256(f"{source}\n{bucket}".encode()).hexdigest()[:12]
    return workdir() / f"backfill-{digest}.jsonl"
