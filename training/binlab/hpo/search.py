"""The hyperparameter search on this machine: Optuna's TPE over `binlab.hpo.space`, with pruning, and its results."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console
from rich.table import Table

from binlab.hpo.space import SPACE, Choice, Value, as_flags
from binlab.train.monitor import OBJECTIVE, read_epoch
from binlab.train.recipe import RECIPES

EVALUATED = (TrialState.COMPLETE, TrialState.PRUNED)
STATES = {
    TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed",
    TrialState.RUNNING: "running", TrialState.WAITING: "waiting",
}  # fmt: skip

# Starts training with these flags in this folder. The context yields the lines it prints; leaving it early stops it.
Train = Callable[[list[str], Path], AbstractContextManager[Iterator[str]]]


class TrialError(Exception):
    """A training run that ended without figures."""


def open_study(file: Path, seed: int) -> optuna.Study:
    """The study in the SQLite `file`, new or continued. Trials that an earlier run left running are marked failed.

    A new study starts with the values of the recipe `best`, then samples at random, then where good values are likely
    (TPE; Bergstra et al., 2011). After its second epoch, a trial below the median of earlier ones is pruned.
    """
    study = optuna.create_study(
        storage=f"sqlite:///{file.resolve()}", study_name="bintally", load_if_exists=True, direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2),
    )  # fmt: skip
    # Seeded by the number of trials too: otherwise a continued study would repeat its first samples.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials))
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    if not study.trials:
        study.enqueue_trial(recipe_values())
    return study


def recipe_values() -> dict[str, Value]:
    """The values of the recipe `best` for the flags of the space."""
    return {name: getattr(RECIPES["best"], name.replace("-", "_")) for name in SPACE}


def search(
    study: optuna.Study, trials: int, train: Train, folder: Path, on_trial: Callable[[FrozenTrial], None]
) -> None:
    """Run trials, each in a folder below `folder`, until `trials` in total are evaluated. Failed ones count once."""
    missing = trials - len(study.get_trials(states=EVALUATED))
    if missing > 0:
        study.optimize(
            lambda trial: evaluate(trial, train, folder / f"{trial.number:03}"), n_trials=missing, catch=TrialError,
            callbacks=[lambda _, trial: on_trial(trial)],
        )  # fmt: skip


def evaluate(trial: optuna.Trial, train: Train, folder: Path) -> float:
    """Validation balanced accuracy after the last epoch. Raises TrialPruned, or TrialError and stores the reason."""
    flags = as_flags({name: _suggested(trial, name) for name in SPACE})
    seen: list[float] = []
    try:
        with train(flags, folder) as lines:
            for figures in filter(None, map(read_epoch, lines)):
                seen.append(figures[OBJECTIVE])
                trial.report(seen[-1], step=len(seen))
                trial.set_user_attr("epochs", len(seen))
                if trial.should_prune():
                    raise optuna.TrialPruned
        if not seen:
            raise TrialError("the run printed no epoch")
    except TrialError as error:
        trial.set_user_attr("reason", str(error))
        raise
    return seen[-1]


def _suggested(trial: optuna.Trial, name: str) -> Value:
    values = SPACE[name]
    if isinstance(values, Choice):
        return cast("Value", trial.suggest_categorical(name, values.options))
    return trial.suggest_float(name, values.low, values.high, log=values.log)


def importances(study: optuna.Study) -> dict[str, float]:
    """How much each flag decides whether a trial is among the better ones (PED-ANOVA; Watanabe et al., 2023).

    Shares that sum to 1, largest first; empty with fewer than four finished trials.
    """
    if len(study.get_trials(states=(TrialState.COMPLETE,))) < 4:
        return {}
    return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())


def row(trial: FrozenTrial) -> dict[str, str]:
    """A trial as text: number, state, objective, epochs, seconds, flags, and why it failed."""
    flags = as_flags(trial.params)
    return {
        "trial": str(trial.number),
        "state": STATES[trial.state],
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
    """Best first, failed last. Fits 80 columns; trials.csv has the rest."""
    order = sorted(trials, key=lambda t: ([*EVALUATED, t.state].index(t.state), -(t.value or 0)))
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
    axes.set(xlim=(0, 1), xlabel="share of what separates better trials from others")
    axes.set_title(f"Importance for balanced accuracy, after {trials} trials", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=120)
