from __future__ import annotations

import json

import pytest
from bincli.commands.redrive import Redriven, reconcile_again, redrive_route, routes_of, view
from bincli.dead_letters import READABLE, UNREADABLE
from bincli.deployment import Deployment
from bincli.errors import CommandError
from bintally.adapters.consignments import DynamoOrders
from bintally.domain.verdicts import NOT_COUNTED, OrderLine, Verdict

from tests.unit.cli.moto_stack import NOW, CrashError, MotoStack, announcement
from tests.unit.cli.printing import Printed

STREAM = '{"requestContext": {"condition": "RetryAttemptsExhausted"}}'


def ignore(done: int, total: int | None = None) -> None:
    pass


def redriven(deployment: Deployment, *, dry_run: bool = False) -> dict[str, Redriven]:
    sqs = deployment.client("sqs")
    found = [redrive_route(route, sqs, dry_run=dry_run, on_progress=ignore) for route in routes_of(deployment)]
    return {each.name: each for each in found}


def order(stack: MotoStack, *consignment_ids: str) -> None:
    lines = [
        OrderLine(consignment_id, "B-1", 2, None, "v1", Verdict.PENDING, NOT_COUNTED)
        for consignment_id in consignment_ids
    ]
    DynamoOrders(stack.client("dynamodb"), stack.output("ConsignmentsTable")).put(lines, NOW)


def test_dead_letters_go_back_to_where_they_came_from(stack: MotoStack) -> None:
    bodies = [announcement(stack.upload(f"a/{number}.jpg")) for number in range(12)]
    stack.send(stack.dead_letters("Intake"), [*bodies, "{"])
    stack.send(stack.dead_letters("Orders"), ["{"])

    found = redriven(stack.deployment)

    assert found["intake"] == Redriven("intake", 13, 0, {READABLE: 12, UNREADABLE: 1})
    assert (found["results"].moved, found["orders"].moved) == (0, 1)
    assert stack.bodies(stack.output("IntakeQueue")) == sorted([*bodies, "{"])
    assert stack.bodies(stack.output("OrdersQueue")) == ["{"]
    assert stack.bodies(stack.dead_letters("Intake")) == []


def test_a_result_names_its_job(stack: MotoStack) -> None:
    job, _ = stack.submitted("a/1.jpg")
    notes = [{"inferenceId": name, "invocationStatus": "Failed"} for name in (job.job_id, "async-9")]
    messages = [json.dumps({"TopicArn": "arn", "Message": json.dumps(note)}) for note in notes]
    stack.send(stack.dead_letters("Results"), messages)

    assert redriven(stack.deployment)["results"].causes == {READABLE: 1, "its job is not in the jobs table": 1}


def test_a_dry_run_leaves_everything_where_it_is(stack: MotoStack) -> None:
    stack.send(stack.dead_letters("Intake"), ["{", "}"])

    assert redriven(stack.deployment, dry_run=True)["intake"] == Redriven("intake", 0, 2, {UNREADABLE: 2})
    assert stack.bodies(stack.dead_letters("Intake")) == ["{", "}"]
    assert stack.bodies(stack.output("IntakeQueue")) == []


@pytest.mark.parametrize("calls", range(1, 12))
def test_a_crash_between_any_two_steps_loses_nothing(stack: MotoStack, calls: int) -> None:
    bodies = {f"{number:02}" for number in range(11)}
    stack.send(stack.dead_letters("Intake"), bodies)
    dying = stack.dying(calls)
    (route,) = [route for route in routes_of(stack.deployment) if route.name == "intake"]
    try:
        redrive_route(route, dying.client("sqs"), dry_run=False, on_progress=ignore)
    except CrashError:
        hidden = stack.client("sqs").get_queue_attributes(QueueUrl=route.dead, AttributeNames=["All"])["Attributes"]
        left = sum(int(value) for name, value in hidden.items() if name.startswith("ApproximateNumberOf"))
    else:
        left = 0

    assert len(set(stack.bodies(route.source))) + left >= len(bodies)


def test_events_that_could_not_be_delivered_go_to_the_results(stack: MotoStack) -> None:
    stack.send(stack.dead_letters("Results"), ['{"detail-type": "x"}'], ERROR_CODE="NO_PERMISSIONS")

    assert redriven(stack.deployment)["results"].causes == {"not delivered: NO_PERMISSIONS": 1}
    assert stack.bodies(stack.output("ResultsQueue")) == ['{"detail-type": "x"}']


def test_dead_stream_batches_reconcile_every_consignment_again(stack: MotoStack) -> None:
    order(stack, "C-2", "C-1")
    stack.send(stack.output("ReconcileDeadLetters"), [STREAM])

    found = reconcile_again(stack.deployment, dry_run=False)

    assert found == Redriven("reconcile", 1, 0, {"RetryAttemptsExhausted": 1})
    asked = sorted(event["consignment_id"] for event in stack.functions.invoked)
    assert asked == ["C-1", "C-2"]
    assert stack.bodies(stack.output("ReconcileDeadLetters")) == []


def test_dead_letters_stay_if_reconciling_fails(stack: MotoStack) -> None:
    order(stack, "C-1")
    stack.send(stack.output("ReconcileDeadLetters"), [STREAM])
    stack.functions.failing = True

    with pytest.raises(CommandError, match="1 of 1 consignment could not be reconciled"):
        reconcile_again(stack.deployment, dry_run=False)

    assert stack.bodies(stack.output("ReconcileDeadLetters")) == [STREAM]


@pytest.mark.parametrize(("dead", "dry_run"), [([], False), ([STREAM], True)])
def test_nothing_is_reconciled_without_need(stack: MotoStack, dead: list[str], dry_run: bool) -> None:
    order(stack, "C-1")
    stack.send(stack.output("ReconcileDeadLetters"), dead)

    found = reconcile_again(stack.deployment, dry_run=dry_run)

    assert (found.moved, found.left) == (0, len(dead))
    assert stack.functions.invoked == []


def shown(*found: Redriven, dry_run: bool = False) -> list[list[str]]:
    output = Printed()
    output.emit([], view(found, dry_run=dry_run))
    return output.rows


def test_redriven_messages_are_shown_by_cause() -> None:
    assert shown(Redriven("intake", 2, 1, {READABLE: 2, UNREADABLE: 1})) == [
        ["Queue", "Dead letters", "Cause"],
        ["intake", "2", READABLE],
        ["intake", "1", UNREADABLE],
        ["2 dead letters sent back, 1 stays."],
    ]
    assert shown(Redriven("intake", 0, 3, {READABLE: 3}), dry_run=True)[-1] == ["3 dead letters would be sent back."]
    assert shown(Redriven("intake", 0, 0, {})) == [["No dead letters."]]
