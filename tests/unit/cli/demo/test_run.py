from datetime import UTC, datetime
from pathlib import Path

import pytest
from bincli.demo.photos import Photo
from bincli.demo.run import bring_orders, make_orders
from bincli.errors import CommandError
from bintally.domain.orders import parse_orders

from tests.unit.cli.fakes import OUTPUTS, FakeSystem
from tests.unit.cli.printing import Printed

NOW = datetime(2026, 5, 4, tzinfo=UTC)


def photo(key, label):
    return Photo(Path(key), key, label)


def test_orders_name_the_bins_that_the_system_will_find():
    photos = [photo("P-17-C/1.jpg", 3), photo("00523.jpg", 2), photo("notes.txt", None)]

    lines = parse_orders(make_orders(photos, NOW)).lines

    assert {line.bin_id: line.expected for line in lines} == {"P-17-C": 3, "00523": 2}
    assert {line.due_at for line in lines} == {"2026-05-05T00:00:00.000Z"}


def test_photos_without_labels_are_dropped_without_orders():
    system, output = FakeSystem({}), Printed()

    bring_orders(system.deployment, "orders.csv", make_orders([photo("a.jpg", None)], NOW), output)

    assert system.s3.uploads == []
    assert "no labels" in output.stderr


def test_rejected_rows_are_reported_and_the_others_imported():
    system, output = FakeSystem({}), Printed()
    data = b"consignment_id,bin_id,expected\nC-1,a,2\nC-1,b,[many]\n"

    bring_orders(system.deployment, "orders.csv", data, output)

    assert system.s3.uploads == [(OUTPUTS["OrdersBucket"], "orders.csv")]
    assert "1 line accepted, 1 row refused" in output.stderr
    assert "line 3: expected '[many]'" in output.stderr


def test_a_file_without_one_good_row_ends_the_demo():
    with pytest.raises(CommandError, match=r"No line of o\.csv was accepted"):
        bring_orders(FakeSystem({}).deployment, "o.csv", b"bin,number\na,2\n", Printed())
