"""Dead letters, back to where they came from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from bintally.adapters.consignments import DynamoOrders
from bintally.adapters.jobs import DynamoJobs
from rich.console import Console

from bincli.dead_letters import cause_of_objects, cause_of_result, cause_of_stream, job_in
from bincli.deployment import Deployment
from bincli.errors import CommandError
from bincli.functions import invoke
from bincli.output import quantity, say
from bincli.progress import Tick
from bincli.queues import Letter, borrowed, delete, look_at, send, taken
from bincli.tables import Column, Table

JUDGED_AT_ONCE = 8
Causes = Callable[[Sequence[Letter]], list[str]]


@dataclass(frozen=True)
class Route:
    """Dead letters at the URL `dead`, and the URL that they go back to. `causes` says of each why it may be dead."""

    name: str
    dead: str
    source: str
    causes: Causes


@dataclass(frozen=True)
class Redriven:
    """How many dead letters of a queue went back, how many were not taken, and how many there were by cause."""

    name: str
    moved: int
    left: int
    causes: Mapping[str, int]


def routes_of(deployment: Deployment) -> Iterator[Route]:
    """The queues of the stack, each with its dead letters: also the events that EventBridge could not deliver to it."""
    sqs = deployment.client("sqs")
    jobs = DynamoJobs(deployment.client("dynamodb"), deployment.output("JobsTable"))

    def of_bucket(bucket: str) -> Causes:
        return lambda letters: [cause_of_objects(letter, bucket) for letter in letters]

    def of_results(letters: Sequence[Letter]) -> list[str]:
        known = jobs.read({job_id for letter in letters if (job_id := job_in(letter.body))})
        return [cause_of_result(letter, known) for letter in letters]

    causes = {
        "intake": of_bucket(deployment.output("IntakeBucket")),
        "results": of_results,
        "orders": of_bucket(deployment.output("OrdersBucket")),
    }
    for name, find in causes.items():
        queue = look_at(sqs, deployment.output(f"{name.capitalize()}Queue"))
        if queue.dead_letters:
            yield Route(name, queue.dead_letters, queue.url, find)


def redrive(route: Route, sqs: Any, *, dry_run: bool, tick: Tick) -> Redriven:
    """Send every dead letter of a route back, and then delete it: a crash between the two doubles it, never loses it.

    A letter that the queue does not take stays dead. With `dry_run` the letters are only read.
    """
    causes: Counter[str] = Counter()
    if dry_run:
        with borrowed(sqs, route.dead) as letters:
            return Redriven(route.name, 0, len(letters), dict(Counter(route.causes(letters))))
    moved = 0
    for letters in taken(sqs, route.dead):
        causes.update(route.causes(letters))
        accepted = send(sqs, route.source, letters)
        delete(sqs, route.dead, accepted)
        moved += len(accepted)
        tick(moved)
    return Redriven(route.name, moved, causes.total() - moved, dict(causes))


def judge_again(deployment: Deployment, *, dry_run: bool) -> Redriven:
    """Judge every consignment again if batches of a stream are dead, and delete these.

    Lambda keeps of such a batch only where in the stream it was, so nobody can tell which lines it was about.
    Raises CommandError when a consignment can't be judged; the letters stay then.
    """
    sqs, url = deployment.client("sqs"), deployment.output("ReconcileDeadLetters")
    with borrowed(sqs, url) as letters:
        causes = dict(Counter(cause_of_stream(letter) for letter in letters))
        if dry_run or not letters:
            return Redriven("reconcile", 0, len(letters), causes)
        _judge_all(deployment)
        delete(sqs, url, letters)
    return Redriven("reconcile", len(letters), 0, causes)


def _judge_all(deployment: Deployment) -> None:
    orders = DynamoOrders(deployment.client("dynamodb"), deployment.output("ConsignmentsTable"))
    consignments = sorted({line.consignment_id for line in orders.all()})
    with ThreadPoolExecutor(JUDGED_AT_ONCE) as pool:
        failed = [each for each in pool.map(partial(_judge, deployment), consignments) if each]
    if failed:
        raise CommandError(f"{len(failed):,} of {len(consignments):,} consignments can't be judged: {failed[0]}")


def _judge(deployment: Deployment, consignment_id: str) -> str:
    """Why the consignment can't be judged; "" where it was."""
    request = json.dumps({"consignment_id": consignment_id}).encode()
    invocation = invoke(deployment, "reconcile", request)
    return f"{consignment_id}: {json.dumps(invocation.answer)}" if invocation.failed else ""


def show_redriven(found: Sequence[Redriven], *, dry_run: bool, as_json: bool, out: Console) -> None:
    """Print what there was in each queue by cause, and what became of it."""
    if as_json:
        for each in found:
            out.out(json.dumps(asdict(each)), highlight=False)
        return
    moved, left = sum(each.moved for each in found), sum(each.left for each in found)
    if not moved + left:
        say(out, "No dead letters.")
        return
    redriven_table(found).show(out)
    stay = f"{left:,} {'stays' if left == 1 else 'stay'}"
    would, went = (f"{quantity(number, 'dead letter')}" for number in (left, moved))
    say(out, f"{would} would go back." if dry_run else f"{went} went back, {stay}.")


def redriven_table(found: Sequence[Redriven]) -> Table:
    """One row for each cause of each queue."""
    table = Table([Column("Queue"), Column("Dead letters", right=True), Column("Cause", folds=True)])
    for each in found:
        for cause, number in sorted(each.causes.items()):
            table.add(each.name, f"{number:,}", cause)
    return table
