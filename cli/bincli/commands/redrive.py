"""`bintally redrive`: dead letters, back to the queues that they came from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import typer

from bincli.dead_letters import cause_of_objects, cause_of_result, cause_of_stream, job_id_of
from bincli.deployment import Deployment, open_deployment
from bincli.errors import INCOMPLETE, CommandError, exit_on_error
from bincli.functions import invoke
from bincli.options import DryRun, Json, Profile, Region, Stack
from bincli.output import Block, Output
from bincli.progress import ProgressCallback, progress_bar
from bincli.queues import Message, delete, peek_all, queue_at, receive_batches, send
from bincli.tables import Column, Table
from bincli.text import quantity, verb

RECONCILE_WORKERS = 8
Causes = Callable[[Sequence[Message]], list[str]]


@dataclass(frozen=True)
class Route:
    """The dead-letter queue at the URL `dead`, and the URL of its `source`. `causes` says why each message is dead."""

    name: str
    dead: str
    source: str
    causes: Causes


@dataclass(frozen=True)
class Redriven:
    """How many dead letters of a queue were sent back, how many stay, and how many there were by cause."""

    name: str
    moved: int
    left: int
    causes: Mapping[str, int]


def redrive(
    stack: Stack = None, region: Region = None, profile: Profile = None, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Send dead letters back to the queues they came from.

    Run it after fixing the cause: messages that fail again become dead
    letters again. Shows how many there are by cause. The dead letters of
    reconcile do not name their order lines, so every consignment is
    reconciled again. With --json, one line for each queue.

    \b
    Exit codes: 0 all were sent back, 3 some stay, 1 the stack could not be used.

    \b
    Examples:
      bintally redrive --dry-run
      bintally redrive --stack prod
    """
    output = Output.standard(as_json)
    with exit_on_error():
        found = redrive_all(open_deployment(stack, region, profile), output, dry_run=dry_run)
        output.emit(map(asdict, found), view(found, dry_run=dry_run))
    if not dry_run and any(each.left for each in found):
        raise typer.Exit(INCOMPLETE)


def redrive_all(deployment: Deployment, output: Output, *, dry_run: bool) -> list[Redriven]:
    found = []
    for route in routes_of(deployment):
        with progress_bar(output.err, route.name, queue_at(deployment.sqs, route.dead).messages) as on_progress:
            found.append(redrive_route(route, deployment.sqs, dry_run=dry_run, on_progress=on_progress))
    return [*found, reconcile_again(deployment, dry_run=dry_run)]


def routes_of(deployment: Deployment) -> Iterator[Route]:
    """The queues of the stack that have dead letters. Those of results include what EventBridge could not deliver."""
    jobs = deployment.jobs

    def of_bucket(bucket: str) -> Causes:
        return lambda messages: [cause_of_objects(message, bucket) for message in messages]

    def of_results(messages: Sequence[Message]) -> list[str]:
        known = jobs.read({job_id for message in messages if (job_id := job_id_of(message.body))})
        return [cause_of_result(message, known) for message in messages]

    causes = {
        "intake": of_bucket(deployment.intake_bucket),
        "results": of_results,
        "orders": of_bucket(deployment.output("OrdersBucket")),
    }
    for name, find in causes.items():
        queue = queue_at(deployment.sqs, deployment.output(f"{name.capitalize()}Queue"))
        if queue.dead_letters:
            yield Route(name, queue.dead_letters, queue.url, find)


def redrive_route(route: Route, sqs: Any, *, dry_run: bool, on_progress: ProgressCallback) -> Redriven:
    """Send every dead letter back and then delete it, so a crash in between duplicates it and never loses it.

    A message that the queue does not accept stays. With `dry_run` the messages are only read.
    """
    if dry_run:
        with peek_all(sqs, route.dead) as messages:
            return Redriven(route.name, 0, len(messages), dict(Counter(route.causes(messages))))
    causes: Counter[str] = Counter()
    moved = 0
    for batch in receive_batches(sqs, route.dead):
        causes.update(route.causes(batch))
        accepted = send(sqs, route.source, batch)
        delete(sqs, route.dead, accepted)
        moved += len(accepted)
        on_progress(moved)
    return Redriven(route.name, moved, causes.total() - moved, dict(causes))


def reconcile_again(deployment: Deployment, *, dry_run: bool) -> Redriven:
    """If batches of a stream are dead, reconcile every consignment again and delete them.

    Such a message has only the batch's position in the stream, so its lines are unknown. Raises CommandError if a
    consignment can't be reconciled; the messages then stay.
    """
    sqs, url = deployment.sqs, deployment.output("ReconcileDeadLetters")
    with peek_all(sqs, url) as messages:
        causes = dict(Counter(cause_of_stream(message) for message in messages))
        if dry_run or not messages:
            return Redriven("reconcile", 0, len(messages), causes)
        _reconcile_all(deployment)
        delete(sqs, url, messages)
    return Redriven("reconcile", len(messages), 0, causes)


def _reconcile_all(deployment: Deployment) -> None:
    consignments = sorted({line.consignment_id for line in deployment.orders.all()})
    with ThreadPoolExecutor(RECONCILE_WORKERS) as pool:
        failed = [each for each in pool.map(partial(_reconcile, deployment), consignments) if each]
    if failed:
        number = f"{len(failed):,} of {quantity(len(consignments), 'consignment')}"
        raise CommandError(f"{number} could not be reconciled. The first one, {failed[0]}")


def _reconcile(deployment: Deployment, consignment_id: str) -> str:
    """Why the consignment can't be reconciled; "" if it was."""
    invocation = invoke(deployment, "reconcile", json.dumps({"consignment_id": consignment_id}).encode())
    return f"{consignment_id}: {json.dumps(invocation.answer)}" if invocation.failed else ""


def view(found: Sequence[Redriven], *, dry_run: bool) -> Iterator[Block]:
    """The dead letters by queue and cause, and what became of them."""
    moved, left = sum(each.moved for each in found), sum(each.left for each in found)
    if not moved + left:
        yield "No dead letters."
        return
    table = Table([Column("Queue"), Column("Dead letters", right=True), Column("Cause", folds=True)])
    for each in found:
        for cause, number in sorted(each.causes.items()):
            table.add(each.name, f"{number:,}", cause)
    yield table
    if dry_run:
        yield f"{quantity(left, 'dead letter')} would be sent back."
    else:
        yield f"{quantity(moved, 'dead letter')} sent back, {left:,} {verb(left, 'stays', 'stay')}."
