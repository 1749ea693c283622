import io
import json

import pytest
from bincli.errors import CommandError
from bincli.orders import import_orders, read_order_file, show_report
from bintally.adapters.order_files import MOST_BYTES, report_key
from rich.console import Console

from tests.unit.cli.fakes import OUTPUTS, FakeSystem

ORDERS = b"consignment_id,bin_id,expected\nC-1,P-17-C,3\nC-1,P-17-D,many\n"


def imported(system, *, patience=2.0, sleep=lambda seconds: None):
    return import_orders(system.deployment, "orders.csv", ORDERS, patience=patience, sleep=sleep)


def printed(report, *, as_json):
    out = io.StringIO()
    show_report(report, as_json=as_json, out=Console(file=out, width=100))
    return out.getvalue()


def test_a_file_is_put_and_its_report_given():
    system = FakeSystem({})

    report = imported(system)

    assert system.s3.puts == [(OUTPUTS["OrdersBucket"], "orders.csv")]
    assert report["accepted"] == 1
    assert [row["line"] for row in report["refused"]] == [3]


def test_the_report_on_an_earlier_file_of_that_name_is_not_taken():
    system = FakeSystem({})
    imported(system)
    late = []

    def report_after_two_looks(seconds):
        late.append(seconds)
        if len(late) == 2:
            system.import_orders("orders.csv", ORDERS, "v1")

    system.s3.on_put = lambda *put: None
    report = imported(system, sleep=report_after_two_looks)

    assert report["version_id"] == "v1"
    assert len(late) == 2


def test_a_report_that_never_comes_is_an_error_that_says_where_to_look():
    system = FakeSystem({})
    system.s3.on_put = lambda *put: None

    with pytest.raises(CommandError, match=r"after 2 s there is no report .*dead-letter queue"):
        imported(system)
    assert (OUTPUTS["JobsBucket"], report_key("orders.csv")) not in system.s3.objects


def test_a_file_too_large_for_the_importer_is_not_put(tmp_path):
    path = tmp_path / "orders.csv"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)

    with pytest.raises(CommandError, match="Split it"):
        read_order_file(path)


def test_refused_rows_are_shown_with_line_and_reason():
    report = {"accepted": 1200, "refused": [{"line": 7, "reason": "expected '[many]' is not a whole number."}]}

    text = printed(report, as_json=False)

    assert "1,200 lines accepted, 1 row refused." in text
    assert "7\texpected '[many]' is not a whole number." in text


def test_json_is_the_report():
    report = {"key": "orders.csv", "version_id": "v0", "accepted": 2, "refused": []}

    assert json.loads(printed(report, as_json=True)) == report
