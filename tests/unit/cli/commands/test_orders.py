import pytest
from bincli.commands.orders import catalogue_code, catalogue_view, exit_code, view
from bincli.order_import import upload_catalogue

from tests.unit.cli.fakes import OUTPUTS, FakeSystem
from tests.unit.cli.printing import Printed

DONE = {
    "mode": "replace",
    "accepted": 2,
    "withdrawn": 0,
    "refused_rows": 0,
    "refused": [],
    "changed_ids": 0,
    "changed": [],
}


def printed(report):
    output = Printed()
    output.emit([report], view(report))
    return output.stdout


def test_refused_rows_are_shown_with_line_and_reason():
    refused = [{"line": 7, "reason": "expected '[many]' is not a whole number."}]

    text = printed(DONE | {"accepted": 1200, "refused_rows": 1, "refused": refused})

    assert "1,200 lines accepted, 1 row refused." in text
    assert "No older line was withdrawn, because rows were refused" in text
    assert "7\texpected '[many]' is not a whole number." in text


def test_rows_that_the_report_does_not_name_are_counted():
    refused = [{"line": 7, "reason": "No."}]

    assert "and 4,999 more rows." in printed(DONE | {"refused_rows": 5_000, "refused": refused})


@pytest.mark.parametrize(
    ("report", "text"),
    [
        ({"accepted": 1}, "1 line accepted, 0 rows refused.\n"),
        ({"accepted": 0}, "The file has no order lines: nothing was imported.\n"),
        ({"without_volume": 2}, "2 lines with a SKU that the catalogue does not have: no volume."),
        ({"withdrawn": 1}, "1 older line withdrawn that the file no longer has"),
        ({"withdrawn": 1_200}, "1,200 older lines withdrawn that the file no longer has"),
        (
            {"changed_ids": 3, "changed": [{"line": 2, "written": "A\u0308 ", "imported_as": "Ä"}]},
            r"3 ids normalised (no outer spaces, Unicode NFC), the first on line 2: 'A\u0308 ' to '\xc4'.",
        ),
    ],
)
def test_the_result_of_a_file_is_a_sentence(report, text):
    assert text in printed(DONE | report)


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
def test_the_exit_code_distinguishes_all_some_and_none(report, code):
    assert exit_code(DONE | report) == code


@pytest.mark.parametrize(
    ("data", "code", "text", "uploads"),
    [
        (b"sku,volume_l\nA,1\nB,2\n", 0, "2 items in the catalogue, 0 rows refused.", 1),
        (b"sku,volume_l\nA,1\nB,nan\n", 3, "3\tvolume_l 'nan' is not a number of litres", 1),
        (b"sku,litres\nA,1\n", 2, "1 row refused, nothing uploaded.", 0),
        (b"sku,volume_l\n", 2, "0 rows refused, nothing uploaded.", 0),
    ],
)
def test_a_catalogue_is_checked_and_uploaded_under_its_own_key(data, code, text, uploads):
    system = FakeSystem({})
    output = Printed()

    found = upload_catalogue(system.deployment, data)
    output.emit([found], catalogue_view(found))

    assert catalogue_code(found) == code
    assert text in output.stdout
    assert system.s3.uploads == [(OUTPUTS["OrdersBucket"], "catalogue/items.csv")] * uploads
