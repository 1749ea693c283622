"""A progress bar on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Tick = Callable[[int], None]


@contextmanager
def bar(err: Console, name: str, total: int) -> Iterator[Tick]:
    """A function that says how many of `total` are done. Where `err` is no terminal nothing is shown."""
    with _progress(err) as progress:
        task = progress.add_task(name, total=total)
        yield lambda done: progress.update(task, completed=done)


@contextmanager
def bar_of_unknown(err: Console, name: str) -> Iterator[Callable[[int, int], None]]:
    """The same where the total is learnt only later: a function of how many are done, and of how many."""
    with _progress(err) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _progress(err: Console) -> Progress:
    left = TimeRemainingColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), left)
    return Progress(*columns, console=err, disable=not err.is_terminal, transient=True)
