from __future__ import annotations

import io

from bincli.progress import progress_bar, progress_bars
from rich.console import Console


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=100)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_bar_shows_its_name_and_how_many_are_done_once_the_total_is_known() -> None:
    console = terminal()

    with progress_bar(console, "Importing") as on_progress:
        on_progress(3, 12)

    assert "Importing" in written(console)
    assert "3/12" in written(console)


def test_several_bars_move_on_their_own() -> None:
    console = terminal()

    with progress_bars(console, {"uploaded": 5, "counted": 5}) as (uploaded, counted):
        uploaded(5)
        counted(2)

    assert "5/5" in written(console)
    assert "2/5" in written(console)


def test_a_pipe_gets_no_bars() -> None:
    pipe = Console(file=io.StringIO())

    with progress_bar(pipe, "Importing", 3) as on_progress:
        on_progress(3)

    assert written(pipe) == ""
