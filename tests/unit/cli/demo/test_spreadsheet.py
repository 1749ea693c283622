import csv
from pathlib import Path

import pytest
from bincli.demo.results import Result
from bincli.demo.spreadsheet import write_results

SHORT = Result("[red]日本", "SHORT", Path("a.jpg"), "C-1", 3, 2, 0.8, {2: 0.8, 3: 0.2}, "3 expected, 2 counted")
BAD = Result("=cmd()", "UNREADABLE", Path("b.jpg"), "C-1", 3, reason="The image is damaged.")
MANY = Result("B-9", "OVER", Path("c.jpg"), "C-1", 3, None, 0.9, {5: 0.1, 6: 0.9}, at_least=6)


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_csv_has_everything_and_no_formulas(tmp_path):
    path = tmp_path / "demo" / "report.csv"
    write_results(path, [BAD, SHORT])

    first, second = rows_of(path)
    assert (first["bin_id"], first["count"], first["verdict"]) == ("[red]日本", "2", "SHORT")
    assert (second["bin_id"], second["count"], second["reason"]) == ("'=cmd()", "", BAD.reason)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\u200b=", "\uff1d"])
def test_no_text_of_the_csv_is_a_formula(tmp_path, start):
    """https://owasp.org/www-community/attacks/CSV_Injection"""
    path = tmp_path / "report.csv"
    result = Result(f"{start}cmd|' /C calc'!A0", "SHORT", None, f"{start}1", -3, 2, 0.8, reason=f"{start}A1")
    write_results(path, [result])

    (row,) = rows_of(path)
    assert {row[name][0] for name in ("bin_id", "consignment_id", "reason")} == {"'"}
    assert (row["expected"], row["interval"]) == ("-3", "")


def test_a_bin_over_range_has_no_count_for_programs(tmp_path):
    write_results(tmp_path / "report.csv", [MANY])

    (row,) = rows_of(tmp_path / "report.csv")
    assert (row["count"], row["at_least"]) == ("", "6")
