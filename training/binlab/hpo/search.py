"""The search for hyperparameters on this machine: Optuna's TPE over `binlab.hpo.space`, hopeless trials cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from binlab.hpo.space import SPACE, Choice, Value, as_flags
from binlab.hpo.trials import JUDGED
from binlab.train.recipe import RECIPES
from binlab.train.signals import OBJECTIVE, read_epoch

# Trains with these flags in this folder; inside, the lines that training prints. Left early, it stops the training.
Train = Callable[[list[str], Path], AbstractContextManager[Iterator[str]]]


class TrialError(Exception):
    """A training run that ended without its figures."""


def open_study(file: Path, seed: int) -> optuna.Study:
    """The study in the SQLite `file`, a new one or one to go on with; what an earlier run left behind has failed.

    A new study begins with the values of the recipe `best`, then draws at random, then where good values are likely
    (Bergstra et al., 2011). From its second epoch on, a trial below the median of the earlier ones is cut off.
    """
    study = optuna.create_study(
        storage=f"sqlite:///{file.resolve()}", study_name="bintally", load_if_exists=True, direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2),
    )  # fmt: skip
    # With the same seed again, a study that goes on would draw its first trials once more.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials))
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    if not study.trials:
        study.enqueue_trial(recipe_values())
    return study


def recipe_values() -> dict[str, Value]:
    """What the recipe `best` has for each flag of the space."""
    return {name: getattr(RECIPES["best"], name.replace("-", "_")) for name in SPACE}


def search(study: optuna.Study, trials: int, train: Train, folder: Path, told: Callable[[FrozenTrial], None]) -> None:
    """Run trials, each in a folder below `folder`, until `trials` are judged or have failed in this call."""
    missing = trials - len(study.get_trials(states=JUDGED))
    if missing > 0:
        study.optimize(
            lambda trial: judged(trial, train, folder / f"{trial.number:03}"), n_trials=missing, catch=TrialError,
            callbacks=[lambda _, trial: told(trial)],
        )  # fmt: skip


def judged(trial: optuna.Trial, train: Train, folder: Path) -> float:
    """Balanced accuracy on validation after the last epoch. Raises TrialPruned, or TrialError with a reason noted."""
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
            raise TrialError("it printed no line of an epoch")
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

    Shares that sum to 1, the largest first; none with fewer than four finished trials.
    """
    if len(study.get_trials(states=(TrialState.COMPLETE,))) < 4:
        return {}
    return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
