"""No command prints control characters of a key, a bin id, an order or a reason to a terminal."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from bincli.audit.collect import QueueDepth, Report
from bincli.audit.rules import Audit, Finding
from bincli.backfill.run import BackfillResult, Plan
from bincli.backfill.uploads import Skipped, Upload
from bincli.backup.tables import Restored
from bincli.commands import (
    audit,
    backfill,
    backup,
    bins,
    cancel,
    consignment,
    count,
    decide,
    demo,
    deploy,
    destroy,
    export,
    image,
    invoke,
    jobs,
    labels,
    lines,
    orders,
    recount,
    redrive,
    retry,
    settings,
    smoke,
)
from bincli.commands.redrive import Redriven
from bincli.commands.retry import Retried
from bincli.counting import display_path
from bincli.demo.drop import Drop
from bincli.demo.results import Result, Totals
from bincli.demo.run import bring_orders
from bincli.deploy.changes import Action, Change
from bincli.deployment import Deployment
from bincli.destroy.kept import Kept, Size
from bincli.errors import CommandError, exit_on_error
from bincli.export.contents import Content, Days
from bincli.functions import Invocation
from bincli.image.build import PushedImage
from bincli.labels.export import Exported
from bincli.model.registry import Package
from bincli.model.replay_view import replay_record, replay_view
from bincli.model.view import live_text, pushed_view
from bincli.output import Output
from bincli.site_settings import fault_of, settings_of
from binlocal.errors import StackError
from bintally.adapters.site_settings import SettingsVersion
from bintally.domain.cancellations import Cancellation
from bintally.domain.decisions import Decision
from bintally.domain.history import Kind, Moment
from bintally.domain.image import Image, LedgerEntry, Status
from bintally.domain.labels import Label
from bintally.domain.verdicts import OrderLine, Verdict, VerdictRules
from bintally.usecases.canary import CanaryReport

from tests.nothing_lost.keys import KEYS
from tests.unit.cli.fakes import OUTPUTS, FakeDynamo, FakeSystem
from tests.unit.cli.printing import Printed
from tests.unit.cli.test_main import COMMANDS

MARKUP = "[red]x[/]:bomb:[link=file:///etc/passwd]y"
ATTACKS = (
    f"\x1b]52;c;aGk=\x07\x1b]8;;http://x\x1b\\{MARKUP}\x9b2J\x1b[31m",
    f"\u202e\u2066{MARKUP}\u200b\u2028\u2029\ufeff",
    f"\r\n\x85\t\x0b\x0c{MARKUP}\x08\x7f\x00",
)
HOSTILE = (*ATTACKS, *KEYS)
NOW = datetime(2026, 5, 4, tzinfo=UTC)


def show_bins(text: str, output: Output) -> None:
    image = {"image_id": "0", "bucket": "b", "key": f"{text}/a.jpg", "version_id": "v", "sequencer": "0"}
    facts = {"captured_at": text, "status": "COUNTED", "source": text, "revision": 1, "count": 3, "confidence": 0.6}
    item = {**image, **facts, "bin_id": text, "reason": text, "model": text, "probabilities": {"3": 0.6}}
    deployment = Deployment("fake", OUTPUTS, lambda service: FakeDynamo(binstable=[item]))
    bins.show_bins(deployment, None, output)
    bins.show_bins(deployment, text, output)


def show_consignments(text: str, output: Output) -> None:
    line = {"consignment_id": text, "bin_id": text, "expected": 3, "order_version": "1", "verdict": "SHORT"}
    tables = {"consignmentstable": [{**line, "reason": text, "due_at": text}], "binstable": []}
    deployment = Deployment("fake", OUTPUTS, lambda service: FakeDynamo(**tables))
    consignment.show_consignments(deployment, output)
    consignment.show_consignment(deployment, text, output)
    consignment.show_without_photo(deployment, output)


def show_lines(text: str, output: Output) -> None:
    line = {"consignment_id": text, "bin_id": text, "expected": 3, "order_version": "1", "verdict": "SHORT"}
    tables = {"consignmentstable": [{**line, "reason": text, "due_at": text}]}
    deployment = Deployment("fake", OUTPUTS, lambda service: FakeDynamo(**tables))
    lines.show_lines(deployment, lines.Filter(), output)
    lines.show_lines(deployment, lines.Filter(), output, as_csv=True)
    export.print_rows(deployment, Content.LINES, Days(), output)


def show_cancelled(text: str, output: Output) -> None:
    output.emit([], cancel.view({"consignment_id": text, "cancelled": 1, "unchanged": 1}, "cancelled"))
    line = OrderLine(text, text, 3, cancelled=Cancellation(text, text, text), verdict=Verdict.WITHDRAWN, reason=text)
    output.emit([], [consignment.lines_table([line])])


def show_decision(text: str, output: Output) -> None:
    output.emit([], decide.stored_view(Decision(text, text, text, text, text, 3)))


def show_history(text: str, output: Output) -> None:
    output.emit([], [decide.history_table([Moment(text, Kind.PHOTO, text, text)])])


def show_jobs(text: str, output: Output) -> None:
    facts = {"job_id": text, "images": 1, "shards": 1, "status": "FAILED", "reason": text, "created_at": "2026-05-04"}
    item = {
        **facts,
        "engine": "async",
        "send_count": 1,
        "transform_attempt": 0,
        "created_at": "2026-05-04T12:00:00.000Z",
    }
    deployment = Deployment("fake", {"JobsTable": "jobs"}, lambda service: FakeDynamo(jobs=[item]))
    jobs.show_jobs(deployment, output, only_unfinished=False, now=NOW)


def show_counts(text: str, output: Output) -> None:
    known = {"image": display_path(Path(text)), "count": 1, "confidence": 0.5, "probabilities": {"1": 0.5}}
    failed = {"image": display_path(Path(text)), "error": {"code": "x", "message": text}}
    count.show_predictions([known, failed], 2, output)


def show_demo(text: str, output: Output) -> None:
    result = Result(text, text, None, text, 3, 2, 0.8, {2: 0.8, 3: 0.2}, text)
    drop = Drop([result], Totals(1, 1, 0, 0, 1.0, {text: 1}), {text: 1}, text)
    with tempfile.TemporaryDirectory() as folder:
        demo.show(drop, Path(folder, "report.png"), output)


def show_demo_orders(text: str, output: Output) -> None:
    good = {"consignment_id": "C", "bin_id": "b", "expected": 3}
    data = json.dumps([{"consignment_id": "C", "bin_id": "a", "expected": text}, good]).encode()
    bring_orders(FakeSystem({}).deployment, "orders.json", data, output)


def show_import(text: str, output: Output) -> None:
    counts = {"accepted": 1, "withdrawn": 1, "refused_rows": 2, "changed_ids": 1, "mode": text}
    named = {"refused": [{"line": 2, "reason": text}], "changed": [{"line": 2, "written": text, "imported_as": text}]}
    output.emit([], orders.view({**counts, **named}))


def show_catalogue(text: str, output: Output) -> None:
    output.emit([], orders.catalogue_view({"items": 1, "refused_rows": 2, "refused": [{"line": 2, "reason": text}]}))


def show_audit(text: str, output: Output) -> None:
    finding = Finding(text, text, text, "SUBMITTED", text)
    report = Report(Audit(1, {}, [finding], 1), [QueueDepth("intake", 1, 1, 1)])
    output.emit([], audit.view(report, text))


def show_backfill(text: str, output: Output) -> None:
    plan = Plan([Upload(text, 1, "1")], 0, 0, [Skipped(text, text)])
    output.emit([], backfill.plan_view(plan, 10))
    output.emit([], backfill.result_view(plan, BackfillResult(0, {text: text})))


def show_invocation(text: str, output: Output) -> None:
    invoke.show(Invocation({"a": text}, True, text), output)


def show_redriven(text: str, output: Output) -> None:
    output.emit([], redrive.view([Redriven("intake", 1, 0, {text: 1})], dry_run=False))


def show_retried(text: str, output: Output) -> None:
    found = [Retried(text, text, True, text)]
    output.emit(map(asdict, found), retry.view(found))


def show_labels(text: str, output: Output) -> None:
    found = [Exported(Label(text, 3, 1.0), problem=text)]
    output.emit([labels.record_of(found)], labels.view(found, Path(text)))


def show_settings(text: str, output: Output) -> None:
    changes = {"match_risk": text, "discrepancy_steps": [text], text: text}
    versions = [SettingsVersion(1, changes, text, text)]
    output.emit(
        [], settings.view(settings_of(VerdictRules(0.02, 0.5), versions), fault_of(VerdictRules(0, 1), changes))
    )
    output.emit([], settings.history_view(versions))


def show_tables(text: str, output: Output) -> None:
    output.emit([], backup.backup_view({"tables": {text: 1}}, Path(text)))
    output.emit([], backup.restore_view([Restored(text, 1, 0)]))


def show_deployment(text: str, output: Output) -> None:
    outcome = deploy.Outcome(text, [], [Change(Action.CHANGES, text, text, (text,))], True, {text: text})
    output.emit([], deploy.view(outcome))
    output.emit([], deploy.sentences(outcome.changes))


def show_removal(text: str, output: Output) -> None:
    removal = destroy.Removal(text, [(Kept(text, text, text), Size(text, 1.0))], waiting=1)
    output.emit([], destroy.before(removal, delete_data=False))
    output.emit([], destroy.view(removal))


def show_image(text: str, output: Output) -> None:
    output.emit([], image.view(PushedImage(text, text, text, built=False), output))


def show_recount(text: str, output: Output) -> None:
    output.emit(
        [],
        recount.plan_view([LedgerEntry(Image(text, text, text, text, text, text), Status.COUNTED, None, model=text)]),
    )


def show_canary(text: str, output: Output) -> None:
    output.emit([], smoke.view(CanaryReport({}, {}, (text,), 1)))


def show_model(text: str, output: Output) -> None:
    package = Package(text, 1, text, text, text, text, {"version": text})
    output.emit([], pushed_view(package))
    output.emit(
        [], [live_text(package, text, {}), live_text(None, text, {}), live_text(None, "", {"ModelImageUri": text})]
    )


def show_replay(text: str, output: Output) -> None:
    figures = {"missing": 1, "counts_changed": 1, "changed_by_more_than_one": 1, "unreadable": 1, "lines": 1}
    change = {"bin_id": text, "key": text, "change": text, "verdicts": []}
    record = {**replay_record([], 1), **figures, "models": {"live": [text], "candidate": [text]}, "changes": [change]}
    output.emit([], replay_view(record, Path(text)))


def show_error(text: str, output: Output) -> None:
    """The errors of every command, and the only foreign text that `up` prints."""
    for kind in (CommandError, StackError, OSError):
        with pytest.raises(typer.Exit), exit_on_error():
            raise kind(text)


SHOWN: dict[str, list[Callable[[str, Output], None]]] = {
    "audit": [show_audit],
    "backfill": [show_backfill],
    "bins": [show_bins],
    "consignment": [show_consignments],
    "count": [show_counts],
    "demo": [show_demo, show_demo_orders],
    "invoke": [show_invocation],
    "decide": [show_decision, show_error],
    "export": [show_lines, show_error],
    "history": [show_history, show_error],
    "jobs": [show_jobs],
    "labels export": [show_labels, show_error],
    "lines": [show_lines],
    "orders cancel": [show_cancelled, show_error],
    "orders catalogue": [show_catalogue, show_error],
    "orders import": [show_import],
    "redrive": [show_redriven],
    "retry": [show_retried],
    "review": [show_error],  # test_review.py covers the sheet
    "up": [show_error],
    "settings history": [show_settings],
    "settings reset": [show_settings, show_error],
    "settings set": [show_settings, show_error],
    "settings show": [show_settings],
    "backup": [show_tables, show_error],
    "restore": [show_tables, show_error],
    "deploy": [show_deployment, show_error],
    "destroy": [show_removal, show_error],
    "image": [show_image, show_error],
    "recount": [show_recount, show_error],
    "smoke": [show_canary, show_error],
    "quality": [show_error],  # prints nothing but its own words and numbers
    "cost": [show_error],  # prints nothing but its own words and numbers
    **{f"model {step}": [show_model, show_deployment, show_error] for step in ("deploy", "push", "rollback", "status")},
    "model replay": [show_replay, show_error],  # its pictures are those of the demo
}


def test_every_command_is_tried() -> None:
    assert set(SHOWN) == {" ".join(words) for words in COMMANDS}


@pytest.mark.parametrize("width", [1000, 80, 40, None])
@pytest.mark.parametrize("command", SHOWN)
def test_nothing_hostile_reaches_a_terminal_or_a_pipe(
    command: str, width: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in HOSTILE if width in (80, None) and command != "demo" else ATTACKS:
        for show in SHOWN[command]:
            output = Printed(width=width)
            show(text, output)
            captured = capsys.readouterr()
            printed = output.stdout + output.stderr + captured.out + captured.err

            own = {"\n"} if width else {"\n", "\t"}
            assert {each for each in printed if not each.isprintable()} <= own, (text, printed)
            if text in ATTACKS and width in (1000, None):  # where no line is broken
                assert MARKUP in "".join(printed.split()), printed


def test_a_pipe_gets_one_line_for_any_row() -> None:
    for text in HOSTILE:
        output = Printed()
        show_retried(text, output)
        assert [len(row) for row in output.rows] == [3, 3, 1]
