"""Progress bars on a terminal. Where standard error is no terminal, nothing is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


class ProgressCallback(Protocol):
    """Called with how many are done, and with the total once it is known."""

    def __call__(self, done: int, total: int | None = None, /) -> object: ...


@contextmanager
def progress_bar(
    err: Console, name: str, total: int | None = None, *, hidden: bool = False
) -> Iterator[ProgressCallback]:
    with progress_bars(err, {name: total}, hidden=hidden) as (on_progress,):
        yield on_progress


@contextmanager
def progress_bars(
    err: Console, totals: Mapping[str, int | None], *, hidden: bool = False
) -> Iterator[list[ProgressCallback]]:
    """One bar for each name in `totals`, and for each a function that moves it."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    elapsed, remaining = TimeElapsedColumn(), TimeRemainingColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), elapsed, remaining)
    with Progress(*columns, console=err, disable=hidden or not err.is_terminal, transient=True) as progress:
        yield [_mover(progress, progress.add_task(name, total=total)) for name, total in totals.items()]


def _mover(progress: Progress, task: TaskID) -> ProgressCallback:
    def move(done: int, total: int | None = None, /) -> None:
        progress.update(task, completed=done, total=total)

    return move
