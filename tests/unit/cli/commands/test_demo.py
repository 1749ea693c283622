import csv
import io
from pathlib import Path

import pytest
from bincli.commands.demo import MOST_ROWS, results_table, summary, totals_text, write_results
from bincli.demo.drop import Result
from bincli.demo.results import Outcome, Totals, tally
from rich.console import Console

SHORT = Outcome("[red]日本", "SHORT", Path("a.jpg"), "C-1", 3, 2, 0.8, {2: 0.8, 3: 0.2}, "3 expected, 2 counted")
BAD = Outcome("=cmd()", "UNREADABLE", Path("b.jpg"), "C-1", 3, reason="The image is damaged.")


def result(outcomes, unfinished=""):
    totals = Totals(len(outcomes), len(outcomes) - 1, 1, 0, 4.0, tally(one.verdict for one in outcomes))
    return Result(list(outcomes), totals, {"SHORT": 1, "UNREADABLE": 1}, unfinished)


def printed(table):
    out = io.StringIO()
    table.show(Console(file=out, width=100))
    return out.getvalue()


def test_the_table_has_bin_count_confidence_expected_and_verdict():
    rows = [line.split() for line in printed(results_table([BAD, SHORT])).splitlines()]

    assert rows[1:] == [["[red]日本", "2", "80%", "3", "SHORT"], ["=cmd()", "-", "-", "3", "UNREADABLE"]]


def test_the_table_has_intervals_where_the_model_can_tell():
    sure = Outcome("B-1", "MATCH", Path("a.jpg"), "C-1", 3, 3, 0.9, {3: 0.9, 4: 0.1}, interval="3 or 4 items, 90%")
    header, *rows = printed(results_table([BAD, sure])).splitlines()

    assert header.split() == ["Bin", "Counted", "Confidence", "Interval", "Expected", "Verdict"]
    assert rows[0].split() == ["=cmd()", "-", "-", "-", "3", "UNREADABLE"]
    assert "3 or 4 items, 90%" in rows[1]


MANY = Outcome("B-9", "OVER", Path("c.jpg"), "C-1", 3, None, 0.9, {5: 0.1, 6: 0.9}, at_least=6)


def test_a_bin_over_range_is_more_than_a_number_and_no_count_for_programs(tmp_path):
    write_results(tmp_path / "report.csv", [MANY])

    assert printed(results_table([MANY])).splitlines()[1].split() == ["B-9", "6+", "90%", "3", "OVER"]
    with (tmp_path / "report.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["count"], row["at_least"]) == ("", "6")


def test_the_table_is_bounded_and_says_how_many_more_there_are():
    outcomes = [Outcome(f"B-{number}", "MATCH") for number in range(MOST_ROWS + 1000)]

    assert len(printed(results_table(outcomes)).splitlines()) == MOST_ROWS + 1
    assert "and 1,000 more" in totals_text(result(outcomes))
    assert "more" not in totals_text(result(outcomes[:MOST_ROWS]))


def test_totals_have_throughput_and_verdicts():
    text = totals_text(result([SHORT, BAD]))

    assert "2 photos: 1 counted, 1 rejected, 0 unaccounted for" in text
    assert "0.5 images/s" in text
    assert "1 SHORT, 1 UNREADABLE" in text


def test_the_csv_has_everything_and_no_formulas(tmp_path):
    path = tmp_path / "demo" / "report.csv"
    write_results(path, [BAD, SHORT])

    with path.open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert (first["bin_id"], first["count"], first["verdict"]) == ("[red]日本", "2", "SHORT")
    assert (second["bin_id"], second["count"], second["reason"]) == ("'=cmd()", "", BAD.reason)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\u200b=", "\uff1d"])
def test_no_text_of_the_csv_is_a_formula(tmp_path, start):
    """https://owasp.org/www-community/attacks/CSV_Injection"""
    path = tmp_path / "report.csv"
    outcome = Outcome(f"{start}cmd|' /C calc'!A0", "SHORT", None, f"{start}1", -3, 2, 0.8, reason=f"{start}A1")
    write_results(path, [outcome])

    with path.open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert {row[name][0] for name in ("bin_id", "consignment_id", "reason")} == {"'"}
    assert (row["expected"], row["interval"]) == ("-3", "")


def test_the_summary_is_what_the_readme_promises():
    assert summary(result([SHORT, BAD]), Path("demo/report.png")) == {
        "images": 2,
        "counted": 1,
        "rejected": 1,
        "unaccounted": 0,
        "seconds": 4.0,
        "images_per_second": 0.5,
        "verdicts": {"SHORT": 1, "UNREADABLE": 1},
        "report": "demo/report.png",
    }
