from pathlib import Path

import pytest
from bincli.errors import CommandError
from bincli.order_import import import_orders, read_order_file
from bintally.adapters.order_files import reports_prefix
from bintally.domain.order_rows import MAX_BYTES

from tests.unit.cli.fakes import OUTPUTS, FakeSystem

ORDERS = b"consignment_id,bin_id,expected\nC-1,P-17-C,3\nC-1,P-17-D,many\n"


def imported(system, *, timeout=2.0, sleep=lambda seconds: None, **options):
    return import_orders(system.deployment, "orders.csv", ORDERS, timeout=timeout, sleep=sleep, **options)


def test_a_file_is_uploaded_and_its_report_returned():
    system = FakeSystem({})

    report = imported(system)

    assert system.s3.uploads == [(OUTPUTS["OrdersBucket"], "orders.csv")]
    assert report["accepted"] == 1
    assert [row["line"] for row in report["refused"]] == [3]


def test_the_report_on_an_earlier_file_of_that_name_is_ignored():
    system = FakeSystem({})
    imported(system)
    late = []

    def report_after_two_looks(seconds):
        late.append(seconds)
        if len(late) == 2:
            system.import_orders("orders.csv", ORDERS, "v1")

    system.s3.on_upload = lambda *put: None
    report = imported(system, sleep=report_after_two_looks)

    assert report["version_id"] == "v1"
    assert len(late) == 2


def test_a_missing_report_is_an_error_that_says_where_to_look():
    system = FakeSystem({})
    system.s3.on_upload = lambda *put: None

    with pytest.raises(CommandError, match=r"after 2 s without progress, there is no report .*dead-letter queue"):
        imported(system)
    assert not [key for _, key in system.s3.objects if key.startswith(reports_prefix("orders.csv"))]


def test_an_import_that_moves_is_waited_for_and_shown():
    """Longer than the timeout, which only counts while nothing moves."""
    system, seen, slept = FakeSystem({}), [], []
    system.s3.on_upload = lambda *put: None
    many = b"consignment_id,bin_id,expected\n" + b"".join(b"C-1,b-%d,3\n" % number for number in range(20))

    def a_step(seconds):
        slept.append(seconds)
        rows = many[: many.index(b"b-%d," % (2 * len(slept)))] + b"C-1,z,3\n" if len(slept) < 9 else many
        system.import_orders("orders.csv", rows, "v0", finished=len(slept) > 8)

    imported(system, timeout=1.0, sleep=a_step, on_progress=lambda done, total=None: seen.append((done, total)))

    assert sum(slept) > 2.0
    assert seen == sorted(seen)
    assert seen[-1][0] <= seen[-1][1] == 21


def test_a_stalled_import_is_an_error_with_its_progress():
    system = FakeSystem({})
    system.s3.on_upload = lambda bucket, key, body, version: system.import_orders(
        key, body * 4, version, finished=False
    )

    with pytest.raises(CommandError, match=r"after 2 s without progress"):
        imported(system)


@pytest.mark.parametrize(("add", "mode"), [(False, "replace"), (True, "add")])
def test_the_import_mode_is_uploaded_with_the_file(add, mode):
    system = FakeSystem({})

    imported(system, add=add)

    assert system.s3.metadata[OUTPUTS["OrdersBucket"], "orders.csv"] == {"bintally-mode": mode}


def test_a_file_too_large_for_the_importer_is_not_uploaded(tmp_path):
    path = tmp_path / "orders.csv"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)

    with pytest.raises(CommandError, match="Split it"):
        read_order_file(path)


def test_a_file_without_an_end_is_not_read_for_ever():
    with pytest.raises(CommandError, match="Split it"):
        read_order_file(Path("/dev/zero"))
