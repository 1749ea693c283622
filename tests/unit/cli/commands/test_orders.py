import pytest
from bincli.commands.orders import exit_code, view

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
