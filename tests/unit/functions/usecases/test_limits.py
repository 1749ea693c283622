"""How much the engines have at a time, and which engine gets it: the rest waits in the ledger."""

from __future__ import annotations

from dataclasses import replace

from bintally.domain.image import Status
from bintally.domain.jobs import EngineName, JobStatus
from bintally.domain.policy import InferenceMode
from bintally.domain.times import iso

from tests.fakes import Fakes
from tests.unit.functions.examples import NOW, make_images, prediction
from tests.unit.functions.usecases.runs import POLICY, answered, collected, ingested, later, scheduled

BATCH = replace(POLICY, mode=InferenceMode.BATCH, micro_batch=1, max_transform_jobs=2)
AUTO = replace(POLICY, mode=InferenceMode.AUTO, micro_batch=500, batch_threshold=2_000)


def pending(number: int) -> Fakes:
    """Fakes in which so many images wait."""
    fakes = Fakes()
    fakes.ledger.receive(make_images(number), iso(NOW))
    return fakes


def unfinished(fakes: Fakes, engine: EngineName = EngineName.ASYNC) -> int:
    return fakes.jobs.in_flight(engine).jobs


def finish(fakes: Fakes, engine: EngineName, most: int) -> None:
    """The engine counts so many of its jobs, and collect collects them."""
    sent = [held.job for held in fakes.jobs.items.values() if held.status is JobStatus.SENT]
    images = {held.image.image_id: held.image for held in fakes.ledger.items.values()}
    for job in [job for job in sent if job.engine is engine][:most]:
        ours = [images[image_id] for image_id in fakes.ledger.of_job(job.job_id)]
        collected(fakes, answered(fakes, job, map(prediction, ours)), POLICY)


# ---- The endpoint


def test_the_endpoint_has_a_bounded_number_of_requests_and_the_rest_waits() -> None:
    fakes, policy = pending(100), replace(POLICY, micro_batch=10, max_requests=4)

    assert scheduled(fakes, NOW, policy).assigned == 40
    assert scheduled(fakes, later(1), policy).assigned == 0
    assert list(fakes.statuses().values()).count(Status.RECEIVED) == 60

    finish(fakes, EngineName.ASYNC, 3)
    assert scheduled(fakes, later(2), policy).assigned == 30
    assert unfinished(fakes) == 4


def test_a_delivery_to_a_busy_endpoint_waits_in_the_ledger() -> None:
    fakes, policy = Fakes(), replace(POLICY, max_requests=2)
    for number in range(5):
        ingested(fakes, make_images(5)[number : number + 1], policy=policy)

    assert list(fakes.statuses().values()) == [Status.SUBMITTED] * 2 + [Status.RECEIVED] * 3
    finish(fakes, EngineName.ASYNC, 2)
    assert scheduled(fakes, later(1), policy).assigned == 3
    assert len(fakes.async_engine.asked) == 3  # those that waited share a request


# ---- Transform jobs


def test_a_bounded_number_of_transform_jobs_are_unfinished() -> None:
    fakes = pending(500)  # each with its own manifest; a transform job has up to 200

    rounds = [scheduled(fakes, later(minute), BATCH) for minute in range(3)]

    assert [each.assigned for each in rounds] == [400, 0, 0]
    assert len(fakes.batch_engine.asked) == unfinished(fakes, EngineName.BATCH) == 2
    finish(fakes, EngineName.BATCH, 1)
    assert scheduled(fakes, later(3), BATCH).assigned == 100


def test_runs_that_overlap_send_no_more_transform_jobs_than_may_run() -> None:
    """Two runs saw the same room, so that there are too many OPEN jobs."""
    fakes = pending(400)
    fakes.batch_engine.down = True
    scheduled(fakes, NOW, replace(BATCH, max_transform_jobs=2))
    fakes.batch_engine.down = False

    assert len(scheduled(fakes, later(5), replace(BATCH, max_transform_jobs=1)).submission.sent) == 1
    assert len(scheduled(fakes, later(10), replace(BATCH, max_transform_jobs=1)).submission.sent) == 0
    assert len(scheduled(fakes, later(11), replace(BATCH, max_transform_jobs=2)).submission.sent) == 1


def test_a_quota_that_is_used_up_costs_no_attempt_and_no_instance_type() -> None:
    fakes = pending(3)
    fakes.batch_engine.full = True
    for minutes in (0, 4, 8, 12, 16):
        done = scheduled(fakes, later(minutes), BATCH)
        assert done.submission.over_quota == 1
        assert done.submission.sent == ()
    (held,) = fakes.jobs.items.values()
    assert (held.status, held.job.transform_attempt, held.job.due_at) == (JobStatus.OPEN, 0, "")
    assert {entry.attempts for entry in fakes.ledger.items.values()} == {1}

    fakes.batch_engine.full = False
    assert scheduled(fakes, later(20), BATCH).submission.sent == (held.job.job_id,)


# ---- auto


def test_auto_sends_a_delivery_to_the_endpoint_unless_much_waits_behind_it() -> None:
    for queued, status in ((0, Status.SUBMITTED), (1_499, Status.SUBMITTED), (1_500, Status.RECEIVED)):
        fakes = Fakes()
        fakes.intake_queue.waiting = lambda queued=queued: queued
        ingested(fakes, make_images(500), policy=AUTO)
        assert set(fakes.statuses().values()) == {status}, queued


def test_auto_takes_a_steady_stream_of_small_deliveries_for_the_backlog_that_it_is() -> None:
    """The endpoint counts nothing meanwhile, so what it has adds up to the threshold."""
    fakes, images = Fakes(), make_images(499 * 6)
    for number in range(6):
        ingested(fakes, images[499 * number : 499 * (number + 1)], policy=AUTO, micro_batch=500)
    assert list(fakes.statuses().values()).count(Status.RECEIVED) == 2 * 499

    scheduled(fakes, later(1), AUTO)

    assert len(fakes.async_engine.asked) == 4
    assert len(fakes.batch_engine.asked) == 1


def test_auto_gives_a_small_rest_to_a_transform_job_while_the_queue_is_full() -> None:
    for queued, engine in ((0, EngineName.ASYNC), (5_000, EngineName.BATCH)):
        fakes = pending(300)
        fakes.intake_queue.waiting = lambda queued=queued: queued
        scheduled(fakes, NOW, AUTO)
        assert unfinished(fakes, engine) == 1


def test_auto_gives_a_burst_to_the_function_and_a_backlog_behind_it_to_the_endpoint() -> None:
    """What the function has not counted yet is part of the backlog."""
    fakes, images = Fakes(), make_images(700)
    policy = replace(AUTO, lambda_threshold=600)

    ingested(fakes, images[:400], policy=policy)
    ingested(fakes, images[400:], policy=policy)

    assert [unfinished(fakes, engine) for engine in (EngineName.LAMBDA, EngineName.ASYNC)] == [1, 1]


def test_a_job_that_could_not_be_sent_keeps_its_engine() -> None:
    policy = replace(AUTO, lambda_threshold=600)
    fakes = Fakes()
    fakes.lambda_engine.down = True
    ingested(fakes, make_images(400), policy=policy)
    (job,) = [held.job for held in fakes.jobs.items.values()]
    fakes.lambda_engine.down = False
    fakes.intake_queue.waiting = lambda: 100_000

    assert scheduled(fakes, later(5), policy).submission.sent == (job.job_id,)
    assert job.engine is EngineName.LAMBDA
    assert unfinished(fakes, EngineName.BATCH) == unfinished(fakes, EngineName.ASYNC) == 0


# ---- Invocations of the model function


def test_a_bounded_number_of_invocations_are_unfinished() -> None:
    fakes = pending(20)
    policy = replace(POLICY, mode=InferenceMode.LAMBDA, micro_batch=2, max_invocations=3)

    assert [scheduled(fakes, later(minute), policy).assigned for minute in range(2)] == [6, 0]
    finish(fakes, EngineName.LAMBDA, 1)
    assert scheduled(fakes, later(2), policy).assigned == 2
    assert unfinished(fakes, EngineName.LAMBDA) == 3
