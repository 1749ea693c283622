import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bincli.demo.drop import Result
from bincli.demo.run import bring_orders, made_orders, show
from bincli.errors import CommandError
from bincli.demo.results import Outcome, Totals
from bincli.demo.photos import Photograph
from bintally.domain.orders import parse_orders
from rich.console import Console

from tests.unit.cli.fakes import OUTPUTS, FakeSystem

NOW = datetime(2026, 5, 4, tzinfo=UTC)


def photograph(key, label):
    return Photograph(Path(key), key, label)


def test_orders_name_the_bins_that_the_system_will_find():
    photographs = [photograph("P-17-C/1.jpg", 3), photograph("00523.jpg", 2), photograph("notes.txt", None)]

    lines = parse_orders(made_orders(photographs, NOW)).lines

    assert {line.bin_id: line.expected for line in lines} == {"P-17-C": 3, "00523": 2}
    assert {line.due_at for line in lines} == {"2026-05-05T00:00:00.000Z"}


def test_photographs_without_labels_are_dropped_without_orders():
    system, err = FakeSystem({}), io.StringIO()

    bring_orders(system.deployment, "orders.csv", made_orders([photograph("a.jpg", None)], NOW), Console(file=err))

    assert system.s3.puts == []
    assert "no labels" in err.getvalue()


def test_refused_rows_are_said_and_the_others_stand():
    system, err = FakeSystem({}), io.StringIO()
    data = b"consignment_id,bin_id,expected\nC-1,a,2\nC-1,b,[many]\n"

    bring_orders(system.deployment, "orders.csv", data, Console(file=err, width=100))

    assert system.s3.puts == [(OUTPUTS["OrdersBucket"], "orders.csv")]
    assert "1 line accepted, 1 row refused" in err.getvalue()
    assert "line 3: expected '[many]'" in err.getvalue()


def test_a_file_without_one_good_row_ends_the_demo():
    with pytest.raises(CommandError, match="no line that could be taken"):
        bring_orders(FakeSystem({}).deployment, "o.csv", b"bin,number\na,2\n", Console(file=io.StringIO()))


@pytest.mark.parametrize("as_json", [True, False])
def test_what_is_shown_ends_with_the_report_or_is_one_json_object(tmp_path, as_json):
    outcome = Outcome("B-1", "MATCH", None, "C-1", 2, 2, 0.9, {2: 0.9, 3: 0.1})
    result = Result([outcome], Totals(1, 1, 0, 0, 1.0, {"MATCH": 1}), {"MATCH": 1}, "")
    out, report = io.StringIO(), tmp_path / "demo" / "report.png"

    show(result, report, as_json=as_json, out=Console(file=out, width=200))

    assert {path.name for path in report.parent.iterdir()} == {"report.png", "report.csv"}
    if as_json:
        assert json.loads(out.getvalue())["report"] == str(report)
    else:
        assert str(report) in out.getvalue().splitlines()[-2]
