"""What a search leaves: its trials as a table, the importance of each flag as a plot, the flags that won."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState
from rich.console import Console
from rich.table import Table

from binlab.hpo.space import SPACE, as_flags
from binlab.train.signals import OBJECTIVE

JUDGED = (TrialState.COMPLETE, TrialState.PRUNED)
WORDS = {
    TrialState.COMPLETE: "finished", TrialState.PRUNED: "cut off", TrialState.FAIL: "failed",
    TrialState.RUNNING: "running", TrialState.WAITING: "waiting",
}  # fmt: skip


def row(trial: FrozenTrial) -> dict[str, str]:
    """A trial as text: number, state, figure, epochs, seconds, its flags, and why it failed."""
    flags = as_flags(trial.params)
    return {
        "trial": str(trial.number),
        "state": WORDS[trial.state],
        OBJECTIVE: "" if trial.value is None else f"{trial.value:.4f}",
        "epochs": str(trial.user_attrs.get("epochs", 0)),
        "seconds": f"{trial.duration.total_seconds():.0f}" if trial.duration else "",
        **{name: "" for name in SPACE},
        **{name.removeprefix("--"): value for name, value in zip(flags[::2], flags[1::2], strict=True)},
        "reason": trial.user_attrs.get("reason", ""),
    }


def write_trials(file: Path, trials: Sequence[FrozenTrial]) -> None:
    rows = [row(trial) for trial in trials]
    with file.open("w", newline="") as text:
        writer = csv.DictWriter(text, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def print_trials(console: Console, trials: Sequence[FrozenTrial]) -> None:
    """The best first; those that failed last. Narrow enough for 80 columns; trials.csv has the rest."""
    order = sorted(trials, key=lambda t: ([*JUDGED, t.state].index(t.state), -(t.value or 0)))
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    names = ["trial", "state", OBJECTIVE, *SPACE]
    for name in names:
        table.add_column(
            name.replace("_", " ").replace("-", " "), justify="left" if name in ("state", "augment") else "right"
        )
    for each in map(row, order):
        table.add_row(*(each[name] for name in names))
    console.print(table)


def winning_flags(best: FrozenTrial) -> str:
    return " ".join(as_flags(best.params))


def plot_importances(file: Path, shares: Mapping[str, float], trials: int) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.add_subplot()
    names = list(shares)[::-1]
    bars = axes.barh(names, [shares[name] for name in names], color="#33658a")
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.set(xlim=(0, 1), xlabel="share of the difference between better and other trials")
    axes.set_title(f"What decides balanced accuracy, after {trials} trials", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=120)
