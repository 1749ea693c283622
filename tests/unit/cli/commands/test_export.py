from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from bincli.commands.export import format_of, print_rows, write_file
from bincli.deployment import Deployment
from bincli.export.contents import Content, Days
from bincli.export.formats import Format
from bincli.main import app
from bintally.domain.decisions import Decision
from bintally.domain.sheets import ADJUSTMENTS, DECISIONS
from bintally.domain.verdicts import OrderLine
from bintally.handlers.desk_api.shapes import StoredDecision
from bintally.usecases.decide import decide
from typer.testing import CliRunner

from tests.template.deployed import stack
from tests.unit.cli.printing import Printed
from tests.unit.functions.aws import client, empty_stack
from tests.unit.functions.examples import NOON, NOW, counted, make_image

ALWAYS = Days()


@pytest.fixture
def site() -> Iterator[Deployment]:
    """A bin of two orders, which somebody counted twice; the first decision differs from the second."""
    with empty_stack():
        deployment = Deployment("bintally", stack().outputs, client)
        deployment.orders.put([OrderLine("C-1", "P-1", 3, sku="S-9"), OrderLine("C-2", "P-1", 5)], NOON)
        deployment.bins.record([counted(make_image("P-1/a.jpg"))], NOON)
        for number, (count, when) in enumerate([(9, NOW - timedelta(days=1)), (5, NOW)]):
            assert decide(deployment, Decision("P-1", f"d-{number}", "", "ann", "", count), now=when)
        yield deployment


def printed(site: Deployment, content: Content, days: Days = ALWAYS, as_json: bool = False) -> list[dict[str, Any]]:
    output = Printed(as_json=as_json)
    print_rows(site, content, days, output)
    return output.records if as_json else list(csv.DictReader(output.stdout.splitlines()))


def test_lines_and_counts_are_printed_as_csv_or_json(site: Deployment) -> None:
    lines = printed(site, Content.LINES, as_json=True)
    (count,) = printed(site, Content.COUNTS)

    assert [(line["consignment_id"], line["expected"], line["sku"]) for line in lines] == [
        ("C-1", 3, "S-9"),
        ("C-2", 5, None),
    ]
    assert (count["counted"], count["source"], count["who"], count["model_count"]) == ("5", "human", "ann", "3")


def test_decisions_have_the_columns_of_the_api() -> None:
    assert DECISIONS.names == list(StoredDecision.model_fields)


@pytest.mark.parametrize(
    ("first", "last", "counts"),
    [(None, None, ["9", "5"]), (4, 4, ["5"]), (3, 3, ["9"]), (None, 3, ["9"]), (5, None, []), (3, None, ["9", "5"])],
)
def test_decisions_of_days(site: Deployment, first: int | None, last: int | None, counts: list[str]) -> None:
    days = Days(*(date(2026, 5, each) if each else None for each in (first, last)))

    assert [row["count"] for row in printed(site, Content.DECISIONS, days)] == counts


def test_an_adjustment_that_a_later_decision_replaced_is_in_no_day(site: Deployment) -> None:
    yesterday = Days(date(2026, 5, 3), date(2026, 5, 3))

    assert printed(site, Content.ADJUSTMENTS, yesterday) == []
    (row,) = printed(site, Content.ADJUSTMENTS)
    assert (row["consignment_id"], row["counted"], row["difference"]) == ("C-1", "5", "2")


def test_adjustments_have_the_names_of_warehouse_systems(site: Deployment, tmp_path: Path) -> None:
    path, output = tmp_path / "a.json", Printed(as_json=True)

    for _ in range(2):
        write_file(site, Content.ADJUSTMENTS, Days(), path, Format.JSON, output)

    assert output.records[0] == {"content": "adjustments", "file": str(path), "format": "json", "rows": 1}
    (found,) = json.loads(path.read_text())["adjustments"]
    assert len(found.pop("transaction_ref_nbr")) == 20
    assert found == {
        "location_barcode": "P-1",
        "item_alternate_code": "S-9",
        "actual_qty": 5,
        "expected_qty": 3,
        "difference_qty": 2,
        "reason_code": "COUNT",
        "order_nbr": "C-1",
        "counted_by": "ann",
        "counted_at": NOON,
    }


def test_a_file_says_how_many_rows_it_has(site: Deployment, tmp_path: Path) -> None:
    output = Printed()

    write_file(site, Content.ADJUSTMENTS, Days(), tmp_path / "a.csv", Format.CSV, output)

    assert output.stdout == f"1 row of adjustments in {tmp_path}/a.csv.\n"
    assert (tmp_path / "a.csv").read_text("utf-8-sig").splitlines()[0] == ",".join(ADJUSTMENTS.names)


@pytest.mark.parametrize(
    ("name", "form", "expected"),
    [("a.XLSX", None, "xlsx"), ("a", None, "csv"), ("a.txt", "parquet", "parquet"), (None, None, "csv")],
)
def test_the_format_follows_the_name(name: str | None, form: str | None, expected: str) -> None:
    assert format_of(Path(name) if name else None, Format(form) if form else None, Content.LINES) == expected


@pytest.mark.parametrize(
    "arguments",
    [["lines", "--from", "2026-05-04"], ["lines", "--out", "a.json"], ["lines", "--format", "xlsx"], ["photos"]],
)
def test_options_that_do_not_go_together_are_wrong_usage(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, ["export", *arguments]).exit_code == 2
