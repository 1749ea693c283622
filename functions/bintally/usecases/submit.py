"""Create jobs of pending images, and send jobs to the engines, one sender for each job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, islice, takewhile

from bintally.domain.batches import batched
from bintally.domain.errors import QuotaExceededError, SettingError, describe_error
from bintally.domain.image import LedgerEntry
from bintally.domain.jobs import EngineName, Job, JobStatus, job_of
from bintally.domain.policy import InferenceMode, Policy, backoff, engine_for, manifest_size, max_jobs
from bintally.domain.times import iso
from bintally.usecases.ports import Dependencies

MAX_PENDING = 20_000  # images that one run assigns to jobs
MIN_PENDING = 100
MAX_JOB_IMAGES = 10_000  # so that one run of collect has time for them
MAX_SHARDS = 200  # of a transform job
MAX_JOBS = 500  # that one run sends
Shard = Sequence[LedgerEntry]


@dataclass(frozen=True)
class SubmitSummary:
    """Ids of the jobs that the engine accepted, and of those that wait for the next run, with the reason.

    `over_quota` of them wait because a quota of the account is used up.
    """

    sent: tuple[str, ...]
    waiting: tuple[tuple[str, str], ...]
    over_quota: int = 0


@dataclass(frozen=True)
class AssignSummary:
    """Pending images, the longest due first, and how many of them were assigned to jobs.

    `errors` has the ids of jobs that could not be created. Their images stay pending, or the sweep opens the job.
    """

    pending: tuple[LedgerEntry, ...]
    assigned: int
    errors: tuple[tuple[str, str], ...]


def always() -> bool:
    """There is no time limit."""
    return True


def choose_engine(dependencies: Dependencies, pending: int, policy: Policy) -> tuple[EngineName, int]:
    """The engine for `pending` images, and how many more jobs it may have.

    In mode `auto` the backlog also includes images that the endpoint and the model function have not counted yet, and
    notifications in the intake queue: steady small deliveries are a backlog if the engine can't keep up. A job keeps
    its engine, whatever the backlog is when it is sent again.
    """
    endpoint = dependencies.jobs.in_flight(EngineName.ASYNC)
    backlog = pending
    if policy.mode is InferenceMode.AUTO:
        function = dependencies.jobs.in_flight(EngineName.LAMBDA)
        backlog += endpoint.images + function.images + dependencies.intake_queue.depth()
    engine = engine_for(policy, backlog)
    in_flight = endpoint if engine is EngineName.ASYNC else dependencies.jobs.in_flight(engine)
    return engine, max(max_jobs(policy, engine) - in_flight.jobs, 0)


def assign_pending(
    dependencies: Dependencies, *, policy: Policy, now: datetime, has_time: Callable[[], bool] = always
) -> AssignSummary:
    """Assign images that are due and that no job holds to new jobs, while there is time and the engine has room.

    Safe to repeat and to run concurrently: each image is assigned once, and a job that gets no image stays PREPARED
    until the sweep abandons it. An error of any kind affects only its own job.
    """
    ledger, jobs = dependencies.ledger, dependencies.jobs
    is_auto = policy.mode is InferenceMode.AUTO
    waiting = ledger.count_pending(iso(now), policy.batch_threshold) if is_auto else 0
    engine, room = choose_engine(dependencies, waiting, policy)
    pending = sorted(ledger.pending(iso(now), _readable(engine, room, policy)), key=_oldest_first)
    assigned, errors = 0, []
    for shards in takewhile(lambda _: has_time(), islice(_jobs(pending, engine, policy), room)):
        entries = [entry for shard in shards for entry in shard]
        job = job_of(((entry.image.image_id, entry.attempts) for entry in entries), engine, len(shards))
        try:
            dependencies.engine(engine).prepare(job, [[entry.image for entry in shard] for shard in shards])
            jobs.create(job, iso(now))
            moved = ledger.assign(entries, job.job_id, iso(now))
            assigned += len(moved)
            if moved:
                jobs.open(job, iso(now))
        except SettingError:
            raise
        except Exception as error:
            errors.append((job.job_id, describe_error(error)))
    return AssignSummary(tuple(pending), assigned, tuple(errors))


def _readable(engine: EngineName, room: int, policy: Policy) -> int:
    """How many pending images a run reads: as many as fit into jobs, and at least a few for the metric of their age."""
    size = MAX_JOB_IMAGES if engine is EngineName.BATCH else policy.micro_batch
    return min(max(room * size, MIN_PENDING), MAX_PENDING)


def _oldest_first(entry: LedgerEntry) -> tuple[str, str]:
    return entry.due_at, entry.image.image_id


def _jobs(pending: Sequence[LedgerEntry], engine: EngineName, policy: Policy) -> Iterator[list[Shard]]:
    """The shards of each job: many for a transform job, one for the other engines."""
    shards = list(_shards(pending, policy))
    if engine is not EngineName.BATCH:
        yield from ([shard] for shard in shards)
        return
    job_shards: list[Shard] = []
    for shard in shards:
        images = sum(map(len, job_shards)) + len(shard)
        if job_shards and (len(job_shards) >= MAX_SHARDS or images > MAX_JOB_IMAGES):
            yield job_shards
            job_shards = []
        job_shards.append(shard)
    if job_shards:
        yield job_shards


def _shards(pending: Sequence[LedgerEntry], policy: Policy) -> Iterator[Shard]:
    def attempts_of(entry: LedgerEntry) -> int:
        return entry.counted_attempts

    for attempts, group in groupby(sorted(pending, key=attempts_of), key=attempts_of):
        yield from batched(list(group), manifest_size(policy, attempts))


def submit_open(
    dependencies: Dependencies, *, policy: Policy, now: datetime, has_time: Callable[[], bool] = always
) -> SubmitSummary:
    """Send OPEN jobs that are due, while there is time: new ones, and those that a crash or a refusal left behind."""
    waiting = dependencies.jobs.unfinished(JobStatus.OPEN, iso(now), MAX_JOBS)
    in_time = takewhile(lambda _: has_time(), waiting)
    room = policy.max_transform_jobs - dependencies.jobs.in_flight(EngineName.BATCH).sent
    return submit_jobs(dependencies, in_time, policy=policy, now=now, transform_jobs=room)


def submit_jobs(
    dependencies: Dependencies, candidates: Iterable[Job], *, policy: Policy, now: datetime, transform_jobs: int = 0
) -> SubmitSummary:
    """Send those candidates that are OPEN and due and that nobody else is sending.

    A job that can't be sent, whatever the error, stays OPEN, and the others are sent. At most `transform_jobs` are
    transform jobs: runs that overlap may have created more than may run.
    """
    jobs = dependencies.jobs
    sent: list[Job] = []
    waiting: list[tuple[str, str]] = []
    over_quota = 0
    for job in candidates:
        if job.status is not JobStatus.OPEN or job.due_at > iso(now):
            continue
        if job.engine is EngineName.BATCH and sum(each.engine is job.engine for each in sent) >= transform_jobs:
            continue
        try:
            if not jobs.claim(job, iso(now), iso(now + policy.sweep_after)):
                continue
            jobs.mark_sent(job, dependencies.engine(job.engine).submit(job), iso(now))
            sent.append(job)
        except QuotaExceededError as error:
            over_quota += 1
            waiting.append((job.job_id, str(error)))
        except SettingError:
            raise
        except Exception as error:
            waiting.append((job.job_id, describe_error(error)))
    return SubmitSummary(tuple(job.job_id for job in sent), tuple(waiting), over_quota)


def defer(dependencies: Dependencies, job: Job, reason: str, *, policy: Policy, now: datetime) -> None:
    """Reopen a job that got no capacity, for its next attempt after a delay."""
    attempt = job.transform_attempt + 1
    later = replace(job, transform_attempt=attempt, due_at=iso(now + backoff(policy, attempt)), reason=reason)
    dependencies.jobs.defer(later, iso(now))
