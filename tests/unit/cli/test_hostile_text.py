"""Whatever a key, a bin, an order or a reason is made of: it reaches no terminal as it is. Every command is walked."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from bincli.audit.collect import Depth, Report
from bincli.audit.rules import Audit, Finding
from bincli.backfill.run import Backfilled, Plan
from bincli.backfill.uploads import Upload
from bincli.commands.audit import show_audit
from bincli.commands.backfill import show_backfilled, show_plan
from bincli.commands.bins import show_bins
from bincli.commands.consignment import show_consignments
from bincli.commands.jobs import show_jobs
from bincli.commands.redrive import Redriven, show_redriven
from bincli.commands.retry import Retried, show_retried
from bincli.counting import print_counts, shown
from bincli.demo.drop import Result
from bincli.demo.results import Outcome, Totals
from bincli.demo.run import bring_orders, show
from bincli.deployment import Deployment
from bincli.errors import CommandError
from bincli.functions import Invocation, show_invocation
from bincli.options import errors_said
from bincli.order_import import show_report
from binlocal.errors import StackError
from rich.console import Console

from tests.nothing_lost.keys import KEYS
from tests.unit.cli.fakes import OUTPUTS, FakeDynamo, FakeSystem
from tests.unit.cli.test_main import COMMANDS

MARKUP = "[red]x[/]:bomb:[link=file:///etc/passwd]y"
ATTACKS = (
    f"\x1b]52;c;aGk=\x07\x1b]8;;http://x\x1b\\{MARKUP}\x9b2J\x1b[31m",
    f"\u202e\u2066{MARKUP}\u200b\u2028\u2029\ufeff",
    f"\r\n\x85\t\x0b\x0c{MARKUP}\x08\x7f\x00",
)
HOSTILE = (*ATTACKS, *KEYS)
NOW = datetime(2026, 5, 4, tzinfo=UTC)

Shown = Callable[[str, Console], None]


def bins(text: str, out: Console) -> None:
    image = {"image_id": "0", "bucket": "b", "key": f"{text}/a.jpg", "version_id": "v", "sequencer": "0"}
    facts = {"captured_at": text, "status": "COUNTED", "source": text, "revision": 1, "count": 3, "confidence": 0.6}
    item = {**image, **facts, "bin_id": text, "reason": text, "model": text, "probabilities": {"3": 0.6}}
    deployment = Deployment("fake", OUTPUTS, lambda service: FakeDynamo(binstable=[item]))
    show_bins(deployment, None, as_json=False, out=out)
    show_bins(deployment, text, as_json=False, out=out)


def consignment(text: str, out: Console) -> None:
    line = {"consignment_id": text, "bin_id": text, "expected": 3, "order_version": "1", "verdict": "SHORT"}
    deployment = Deployment(
        "fake", OUTPUTS, lambda service: FakeDynamo(consignmentstable=[{**line, "reason": text, "due_at": text}])
    )
    show_consignments(deployment, None, as_json=False, out=out)
    show_consignments(deployment, text, as_json=False, out=out)


def jobs(text: str, out: Console) -> None:
    facts = {"job_id": text, "images": 1, "shards": 1, "status": "FAILED", "reason": text, "opened_at": "2026-05-04"}
    item = {**facts, "engine": "async", "attempts": 1, "tries": 0, "opened_at": "2026-05-04T12:00:00.000Z"}
    deployment = Deployment("fake", {"JobsTable": "jobs"}, lambda service: FakeDynamo(jobs=[item]))
    show_jobs(deployment, only_open=False, as_json=False, out=out, now=NOW)


def count(text: str, out: Console) -> None:
    known = {"image": shown(Path(text)), "count": 1, "confidence": 0.5, "probabilities": {"1": 0.5}}
    lines = [known, {"image": shown(Path(text)), "error": {"code": "x", "message": text}}]
    print_counts(lines, 2, as_json=False, out=out, err=Console(file=io.StringIO()))


def demo(text: str, out: Console) -> None:
    outcome = Outcome(text, text, None, text, 3, 2, 0.8, {2: 0.8, 3: 0.2}, text)
    result = Result([outcome], Totals(1, 1, 0, 0, 1.0, {text: 1}), {text: 1}, text)
    with tempfile.TemporaryDirectory() as folder:
        show(result, Path(folder, "report.png"), as_json=False, out=out)


def demo_orders(text: str, out: Console) -> None:
    data = json.dumps([{"consignment_id": "C", "bin_id": "a", "expected": text}, good()]).encode()
    bring_orders(FakeSystem({}).deployment, "orders.json", data, out)


def good() -> dict[str, object]:
    return {"consignment_id": "C", "bin_id": "b", "expected": 3}


def import_report(text: str, out: Console) -> None:
    counts = {"accepted": 1, "withdrawn": 1, "refused_rows": 2, "changed_ids": 1, "mode": text}
    named = {"refused": [{"line": 2, "reason": text}], "changed": [{"line": 2, "written": text, "taken": text}]}
    show_report({**counts, **named}, as_json=False, out=out)


def audit(text: str, out: Console) -> None:
    finding = Finding(text, text, text, "SUBMITTED", text)
    show_audit(Report(Audit(1, {}, [finding], 1), [Depth("intake", 1, 1, 1)]), as_json=False, out=out)


def backfill(text: str, out: Console) -> None:
    plan = Plan([Upload(text, 1, "1")], 0, 0)
    show_plan(plan, 10, as_json=False, out=out)
    show_backfilled(plan, Backfilled(0, {text: text}), as_json=False, out=out)


def invoke(text: str, out: Console) -> None:
    show_invocation(Invocation({"a": text}, True, text), as_json=False, out=out, err=out)


def error(text: str, out: Console) -> None:
    """What every command, and `up` alone, says when it fails."""
    for kind in (CommandError, StackError, OSError):
        with pytest.raises(typer.Exit), errors_said():
            raise kind(text)


WALK: dict[str, list[Shown]] = {
    "audit": [audit],
    "backfill": [backfill],
    "bins": [bins],
    "consignment": [consignment],
    "count": [count],
    "demo": [demo, demo_orders],
    "invoke": [invoke],
    "jobs": [jobs],
    "orders import": [import_report],
    "redrive": [
        lambda text, out: show_redriven([Redriven("intake", 1, 0, {text: 1})], dry_run=False, as_json=False, out=out)
    ],
    "retry": [lambda text, out: show_retried([Retried(text, text, True, text)], as_json=False, out=out)],
    "up": [error],
}


def test_every_command_is_walked() -> None:
    assert set(WALK) == {" ".join(words) for words in COMMANDS}


@pytest.mark.parametrize("width", [1000, 80, 40, 0])
@pytest.mark.parametrize("command", WALK)
def test_nothing_hostile_reaches_a_terminal_or_a_pipe(
    command: str, width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ATTACKS if command == "demo" else HOSTILE:
        for show_text in WALK[command]:
            out = io.StringIO()
            terminal = {"force_terminal": True, "color_system": None, "width": width} if width else {}
            show_text(text, Console(file=out, **terminal))  # type: ignore[arg-type]
            captured = capsys.readouterr()
            printed = out.getvalue() + captured.out + captured.err

            own = {"\n"} if width else {"\n", "\t"}
            assert {each for each in printed if not each.isprintable()} <= own, (text, printed)
            if text in ATTACKS and width in (1000, 0):  # where nothing is broken over lines
                assert MARKUP in "".join(printed.split()), printed


def test_a_pipe_gets_one_line_for_a_row_whatever_is_in_it() -> None:
    for text in HOSTILE:
        out = io.StringIO()
        show_retried([Retried(text, "", True, text)], as_json=False, out=Console(file=out))
        assert [line.count("\t") for line in out.getvalue().splitlines()] == [2, 2, 0]
