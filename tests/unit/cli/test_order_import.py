import io
import json

import pytest
from bincli.errors import CommandError
from bincli.order_import import exit_code, import_orders, read_order_file, show_report
from bintally.adapters.order_files import reports_prefix
from bintally.domain.order_rows import MOST_BYTES
from rich.console import Console

from tests.unit.cli.fakes import OUTPUTS, FakeSystem

ORDERS = b"consignment_id,bin_id,expected\nC-1,P-17-C,3\nC-1,P-17-D,many\n"


DONE = {
    "mode": "replace",
    "accepted": 2,
    "withdrawn": 0,
    "refused_rows": 0,
    "refused": [],
    "changed_ids": 0,
    "changed": [],
}


def imported(system, *, patience=2.0, sleep=lambda seconds: None, **options):
    return import_orders(system.deployment, "orders.csv", ORDERS, patience=patience, sleep=sleep, **options)


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

    with pytest.raises(CommandError, match=r"after 2 s without progress, there is no report .*dead-letter queue"):
        imported(system)
    assert not [key for _, key in system.s3.objects if key.startswith(reports_prefix("orders.csv"))]


def test_an_import_that_moves_is_waited_for_and_shown():
    """Longer than the patience: it is patience with what stands still."""
    system, seen, slept = FakeSystem({}), [], []
    system.s3.on_put = lambda *put: None
    many = b"consignment_id,bin_id,expected\n" + b"".join(b"C-1,b-%d,3\n" % number for number in range(20))

    def a_step(seconds):
        slept.append(seconds)
        rows = many[: many.index(b"b-%d," % (2 * len(slept)))] + b"C-1,z,3\n" if len(slept) < 9 else many
        system.import_orders("orders.csv", rows, "v0", finished=len(slept) > 8)

    imported(system, patience=1.0, sleep=a_step, on_progress=lambda done, total: seen.append((done, total)))

    assert sum(slept) > 2.0
    assert seen == sorted(seen)
    assert seen[-1][0] <= seen[-1][1] == 21


def test_an_import_that_stands_still_is_an_error_that_says_how_far_it_is():
    system = FakeSystem({})
    system.s3.on_put = lambda bucket, key, body, version: system.import_orders(key, body * 4, version, finished=False)

    with pytest.raises(CommandError, match=r"after 2 s without progress"):
        imported(system)


@pytest.mark.parametrize(("adds", "mode"), [(False, "replace"), (True, "add")])
def test_what_the_file_is_to_do_goes_with_it(adds, mode):
    system = FakeSystem({})

    imported(system, adds=adds)

    assert system.s3.metadata[OUTPUTS["OrdersBucket"], "orders.csv"] == {"bintally-mode": mode}


def test_a_file_too_large_for_the_importer_is_not_put(tmp_path):
    path = tmp_path / "orders.csv"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)

    with pytest.raises(CommandError, match="Split it"):
        read_order_file(path)


def test_refused_rows_are_shown_with_line_and_reason():
    refused = [{"line": 7, "reason": "expected '[many]' is not a whole number."}]

    text = printed(DONE | {"accepted": 1200, "refused_rows": 1, "refused": refused}, as_json=False)

    assert "1,200 lines accepted, 1 row refused." in text
    assert "No older line was withdrawn, because rows were refused" in text
    assert "7\texpected '[many]' is not a whole number." in text


def test_rows_that_the_report_does_not_name_are_counted():
    refused = [{"line": 7, "reason": "No."}]

    assert "and 4,999 more rows." in printed(DONE | {"refused_rows": 5_000, "refused": refused}, as_json=False)


@pytest.mark.parametrize(
    ("report", "text"),
    [
        ({"accepted": 1}, "1 line accepted, 0 rows refused.\n"),
        ({"accepted": 0}, "The file has no order lines: nothing was imported.\n"),
        ({"withdrawn": 1}, "1 older line withdrawn that the file no longer has"),
        ({"withdrawn": 1_200}, "1,200 older lines withdrawn that the file no longer has"),
        (
            {"changed_ids": 3, "changed": [{"line": 2, "written": "A\u0308 ", "taken": "Ä"}]},
            r"3 ids normalised (no outer spaces, Unicode NFC), the first on line 2: 'A\u0308 ' to '\xc4'.",
        ),
    ],
)
def test_what_came_of_a_file_is_said_in_sentences(report, text):
    assert text in printed(DONE | report, as_json=False)


@pytest.mark.parametrize(
    ("report", "code"),
    [
        ({}, 0),
        ({"refused_rows": 1}, 3),
        ({"accepted": 0, "refused_rows": 1}, 2),
        ({"accepted": 0}, 2),
        ({"accepted": 0, "withdrawn": 4}, 0),
    ],
)
def test_the_exit_code_tells_all_from_some_from_nothing(report, code):
    assert exit_code(DONE | report) == code


def test_json_is_the_report():
    assert json.loads(printed(DONE, as_json=True)) == DONE
