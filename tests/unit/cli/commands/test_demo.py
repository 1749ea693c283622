from dataclasses import replace
from pathlib import Path

import pytest
from bincli.commands.demo import MAX_ROWS, results_table, show, summary, totals_view, view
from bincli.demo.drop import Drop
from bincli.demo.results import Result, Totals
from bincli.verdicts import tally

from tests.unit.cli.printing import Printed

SHORT = Result(
    "[red]日本", "SHORT", Path("a.jpg"), "C-1", 3, 2, 0.8, {2: 0.8, 3: 0.2}, "3 expected, 2 counted", risk=0.75
)
BAD = Result("=cmd()", "UNREADABLE", Path("b.jpg"), "C-1", 3, reason="The image is damaged.")


def drop_of(results):
    totals = Totals(len(results), len(results) - 1, 1, 0, 4.0, tally(one.verdict for one in results))
    return Drop(list(results), totals, {"SHORT": 1, "UNREADABLE": 1}, "", frozenset({"[red]日本", "=cmd()"}))


def printed(table):
    output = Printed()
    output.emit([], [table])
    return output.rows


def test_the_table_has_bin_count_confidence_expected_and_verdict():
    rows = printed(results_table([BAD, SHORT]))

    assert rows[1:] == [["[red]日本", "2", "80%", "3", "SHORT", "75%"], ["=cmd()", "-", "-", "3", "UNREADABLE", "-"]]


def test_the_table_has_intervals_if_the_model_provides_them():
    sure = Result("B-1", "MATCH", Path("a.jpg"), "C-1", 3, 3, 0.9, {3: 0.9, 4: 0.1}, interval="3 or 4 items, 90%")
    header, *rows = printed(results_table([BAD, sure]))

    assert header == ["Bin", "Counted", "Confidence", "Interval", "Expected", "Verdict", "Risk"]
    assert rows[0] == ["=cmd()", "-", "-", "-", "3", "UNREADABLE", "-"]
    assert "3 or 4 items, 90%" in rows[1]


MANY = Result("B-9", "OVER", Path("c.jpg"), "C-1", 3, None, 0.9, {5: 0.1, 6: 0.9}, at_least=6)


def test_a_bin_over_range_is_more_than_a_number():
    assert printed(results_table([MANY]))[1] == ["B-9", "6+", "90%", "3", "OVER", "-"]


def test_the_table_is_bounded_and_says_how_many_more_there_are():
    results = [Result(f"B-{number}", "MATCH") for number in range(MAX_ROWS + 1000)]

    assert len(printed(results_table(results))) == MAX_ROWS + 1
    assert "and 1,000 more, with less risk" in [*view(drop_of(results), Path("report.png"))]
    assert [*view(drop_of(results[:MAX_ROWS]), Path("report.png"))][1] == ""


def test_totals_have_throughput_and_verdicts():
    assert [*totals_view(drop_of([SHORT, BAD]))] == [
        "2 photos: 1 counted, 1 rejected, 0 unaccounted for",
        "4.0 s from the first upload to the last count: 0.5 photos/s",
        "order lines: 1 SHORT, 1 UNREADABLE",
        "Look at the first line: it holds an expected 0.8 of the 0.8 wrong lines.",
        "By their labels, 2 are wrong: 1 among the first.",
    ]


def test_what_to_look_at_first_is_left_out_where_nothing_is_known():
    assert len([*totals_view(replace(drop_of([BAD]), wrong=frozenset()))]) == 3


def test_the_summary_is_what_the_readme_promises():
    assert summary(drop_of([SHORT, BAD]), Path("demo/report.png")) == {
        "images": 2,
        "counted": 1,
        "rejected": 1,
        "unaccounted": 0,
        "seconds": 4.0,
        "images_per_second": 0.5,
        "verdicts": {"SHORT": 1, "UNREADABLE": 1},
        "first_looks": {"looks": 1, "found": 0.75, "wrong": 0.75},
        "wrong_lines": 2,
        "wrong_lines_in_first_looks": 1,
        "report": "demo/report.png",
    }


@pytest.mark.parametrize("as_json", [True, False])
def test_the_results_are_written_and_named(tmp_path, as_json):
    output, report = Printed(as_json=as_json), tmp_path / "demo" / "report.png"

    show(drop_of([SHORT, BAD]), report, output)

    assert {path.name for path in report.parent.iterdir()} == {"report.png", "report.csv"}
    if as_json:
        assert output.records[0]["report"] == str(report)
    else:
        assert output.rows[-2:] == [[f"contact sheet: {report}"], [f"everything: {report.with_suffix('.csv')}"]]
