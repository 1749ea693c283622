"""The dashboard shows existing metrics; alerts on discrepancies and costs are readable."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from binlocal.template import load_template
from bintally.domain.image import Status
from bintally.domain.verdicts import Verdict

from tests.template.deployed import ROOT, stack, stack_without_model

HANDLERS = ROOT / "functions/bintally/handlers"
SHOWN = ("ImagesRegistered", "OldestPendingSeconds", "ImagesUnaccounted", "JobsFailed", "LinesUncertain", "Confidence")


def dashboard() -> dict[str, Any]:
    (properties,) = stack().of_type("AWS::CloudWatch::Dashboard").values()
    body: dict[str, Any] = json.loads(properties["DashboardBody"])
    return body


def shown() -> Iterator[tuple[str, str, dict[str, str]]]:
    """The namespace, name and dimensions of each metric on the dashboard."""
    for widget in dashboard()["widgets"]:
        for namespace, *rest in widget["properties"]["metrics"]:
            if isinstance(namespace, str):
                name, *dimensions = [part for part in rest if isinstance(part, str)]
                yield namespace, name, dict(zip(dimensions[::2], dimensions[1::2], strict=True))


def measured() -> set[str]:
    """The metrics that handlers publish, by the names in their code."""
    code = "".join(path.read_text() for path in HANDLERS.glob("*.py"))
    families = {f"Images{status.title()}" for status in Status} | {f"Lines{verdict.title()}" for verdict in Verdict}
    return families | set(re.findall(r'"((?:Images|Confidence|Jobs|Lines|Oldest|Order|Messages)\w*)"', code))


def test_the_dashboard_shows_metrics_that_functions_measure() -> None:
    ours = {name for namespace, name, _ in shown() if namespace == "bintally"}

    assert set(SHOWN) <= ours <= measured()


def test_the_dashboard_is_about_this_stack_alone() -> None:
    for namespace, name, dimensions in shown():
        if namespace == "AWS/SQS":
            assert dimensions["QueueName"].removeprefix("bintally-") in queues(), name
        else:
            assert any(value.startswith("bintally") for value in dimensions.values()), name


def queues() -> dict[str, Any]:
    return stack().of_type("AWS::SQS::Queue")


def test_the_dashboard_shows_every_dead_letter_queue() -> None:
    visible = {d["QueueName"] for _, name, d in shown() if name == "ApproximateNumberOfMessagesVisible"}

    in_every_stack = set(queues()) - {"WebhookDeadLetters"}  # which has an alarm where there is a webhook

    assert {f"bintally-{name}" for name in in_every_stack if name.endswith("DeadLetters")} <= visible


def test_widgets_do_not_overlap() -> None:
    taken = [
        (x, y)
        for widget in dashboard()["widgets"]
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]

    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


def test_a_stack_without_a_model_has_its_dashboard() -> None:
    assert "Dashboard" in stack_without_model().resources


def mailed(event: dict[str, Any]) -> str:
    """What EventBridge makes of an event for the alerts topic."""
    (target,) = stack().resources["DiscrepancyRule"]["Properties"]["Targets"]
    transformer = target["InputTransformer"]
    text = transformer["InputTemplate"]
    for name, path in transformer["InputPathsMap"].items():
        value: Any = event
        for key in path.removeprefix("$.").split("."):
            value = value[key]
        text = text.replace(f"<{name}>", value)
    return "\n".join(line.strip('"') for line in text.splitlines())


def test_a_discrepancy_arrives_as_sentences() -> None:
    event = json.loads((ROOT / "events/out/DiscrepancyFound.json").read_text())

    assert mailed(event).splitlines()[:3] == [
        "Consignment C-1001, bin P-17-C: SHORT.",
        "5 expected, 3 counted (90%): 1.9% as expected, 98.1% fewer, 0.0% more.",
        "All verdicts: bintally consignment --stack bintally",
    ]


def test_a_discrepancy_needs_no_more_than_every_such_event_has() -> None:
    """A path that is missing in an event leaves a hole in the mail."""
    (target,) = stack().resources["DiscrepancyRule"]["Properties"]["Targets"]
    schema = json.loads((ROOT / "events/schemas/DiscrepancyFound.json").read_text())

    for path in target["InputTransformer"]["InputPathsMap"].values():
        assert path.removeprefix("$.detail.") in schema["required"]


def test_a_budget_warns_before_it_is_spent() -> None:
    template = load_template(ROOT / "budget.yaml")
    (budget,) = template["Resources"].values()
    warnings = [each["Notification"] for each in budget["Properties"]["NotificationsWithSubscribers"]]

    assert [(each["NotificationType"], each["Threshold"]) for each in warnings] == [("ACTUAL", 80), ("FORECASTED", 100)]
