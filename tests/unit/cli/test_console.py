from __future__ import annotations

import io

import pytest
from bincli.console import print_table
from bincli.tables import Column, Table
from bincli.text import Styled
from rich.cells import cell_len
from rich.console import Console

COLUMNS = [Column("Bin", folds=True), Column("Count", right=True), Column("Verdict"), Column("Reason", folds=True)]
WORDS = "5 expected, 1 or 2 counted (90%): 0% as expected, 100% fewer, 0% more."


def printed(table: Table, *, width: int | None = None) -> list[str]:
    """The lines on a terminal of that width, or in a pipe."""
    out = io.StringIO()
    terminal = {"force_terminal": True, "color_system": None, "width": width} if width else {}
    print_table(table, Console(file=out, **terminal))  # type: ignore[arg-type]
    return out.getvalue().splitlines()


def example(bin_id: str = "P-17-C", *, header: bool = True) -> Table:
    table = Table(COLUMNS, header=header)
    table.add(bin_id, "1", Styled("SHORT", "red"), WORDS)
    table.add("b", "12", "MATCH", "")
    return table


def test_a_pipe_gets_a_line_for_each_row_with_tabs() -> None:
    assert printed(example()) == ["Bin\tCount\tVerdict\tReason", f"P-17-C\t1\tSHORT\t{WORDS}", "b\t12\tMATCH\t"]
    assert printed(example(header=False))[0].startswith("P-17-C\t1")


def test_a_pipe_gets_long_text_whole_and_tabs_and_line_breaks_escaped() -> None:
    (_, row, _) = printed(example("a\tb\n" + "x" * 1000))

    assert row.split("\t")[0] == "a\\tb\\n" + "x" * 1000


@pytest.mark.parametrize("width", [40, 50, 80, 200])
@pytest.mark.parametrize("bin_id", ["P-17-C", "日本" * 30, "a" * 1024, "[red]x[/]"])
def test_a_terminal_gets_all_of_the_text_within_its_width(width: int, bin_id: str) -> None:
    lines = printed(example(bin_id), width=width)

    assert max(cell_len(line) for line in lines) <= width
    text = "".join("".join(lines).split())
    assert all(text.count(letter) >= bin_id.count(letter) for letter in set(bin_id))
    assert "".join(WORDS.split())[-10:] in text or width < 80


@pytest.mark.parametrize("width", [10, 30])
def test_a_narrow_terminal_gets_blocks_in_which_no_number_is_cut(width: int) -> None:
    lines = printed(example(), width=width)

    assert lines[:3] == ["Bin: P-17-C", "Count: 1", "Verdict: SHORT"]
    assert lines[4:] == ["", "Bin: b", "Count: 12", "Verdict: MATCH"]


def test_numbers_stand_below_each_other() -> None:
    header, first, *_, last = printed(example(), width=100)

    assert header.index("Count") + 4 == first.index("1 ", 8) == last.index("2")
