"""The search with a training that answers at once, and once with a process that stands in for train.py."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
import pytest
from binlab.hpo.search import Train, TrialError, importances, open_study, recipe_values, row, search, winning_flags
from binlab.hpo.space import SPACE, as_flags, within
from binlab.train.monitor import epoch_line
from optuna.trial import TrialState

from training import hpo


def printed(*figures: float) -> list[str]:
    return ["decoding", *(epoch_line({"epoch": n, "balanced_accuracy": f}) for n, f in enumerate(figures, start=1))]


def better_with_lr(flags: list[str]) -> list[str]:
    return printed(0.1, float(flags[flags.index("--lr") + 1]) * 100)


def training(answer, ran: list[list[str]] | None = None) -> Train:
    """A training that prints what `answer` makes of its flags."""

    @contextmanager
    def train(flags: list[str], folder: Path) -> Iterator[Iterator[str]]:
        if ran is not None:
            ran.append(flags)
        yield iter(answer(flags))

    return train


def run(tmp_path: Path, trials: int, train: Train, seed: int = 7) -> optuna.Study:
    study = open_study(tmp_path / "study.db", seed)
    search(study, trials, train, tmp_path, on_trial=lambda _: None)
    return study


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def test_the_first_trial_is_the_recipe(tmp_path: Path) -> None:
    ran: list[list[str]] = []
    run(tmp_path, 3, training(better_with_lr, ran))

    assert ran[0] == as_flags(recipe_values())
    assert all(within(name, value) for name, value in recipe_values().items())
    assert len({tuple(flags) for flags in ran}) == 3


def test_values_stay_within_the_space_and_the_best_wins(tmp_path: Path) -> None:
    ran: list[list[str]] = []
    study = run(tmp_path, 6, training(better_with_lr, ran))
    rates = [float(flags[flags.index("--lr") + 1]) for flags in ran]

    assert all(within(name, value) for trial in study.trials for name, value in trial.params.items())
    assert [set(flags[::2]) for flags in ran] == [{f"--{name}" for name in SPACE}] * 6
    assert f"--lr {max(rates):.4g}" in winning_flags(study.best_trial)


def test_a_stopped_search_continues(tmp_path: Path) -> None:
    ran: list[list[str]] = []

    def stop_at_the_third(flags: list[str]) -> list[str]:
        if len(ran) == 3:
            raise KeyboardInterrupt
        return better_with_lr(flags)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, 5, training(stop_at_the_third, ran))
    study = run(tmp_path, 5, training(better_with_lr, ran))

    states = [trial.state for trial in study.trials]
    assert states == [TrialState.COMPLETE] * 2 + [TrialState.FAIL] + [TrialState.COMPLETE] * 3
    assert len({tuple(flags) for flags in ran}) == 6, "the same values were sampled again"


def test_trials_running_when_a_search_was_killed_have_failed(tmp_path: Path) -> None:
    open_study(tmp_path / "study.db", 7).ask()
    study = open_study(tmp_path / "study.db", 7)

    assert [trial.state for trial in study.trials] == [TrialState.FAIL]


def test_a_failed_trial_is_recorded_and_the_search_continues(tmp_path: Path) -> None:
    def break_the_first(flags: list[str]) -> list[str]:
        if flags == as_flags(recipe_values()):
            raise TrialError("exit code 1: out of memory")
        return better_with_lr(flags)

    study = run(tmp_path, 3, training(break_the_first))
    failed, *others = map(row, study.trials)

    assert failed["reason"] == "exit code 1: out of memory"
    assert (failed["state"], failed["balanced_accuracy"]) == ("failed", "")
    assert [other["state"] for other in others] == ["finished"] * 2


def test_a_trial_without_a_metric_has_failed(tmp_path: Path) -> None:
    study = run(tmp_path, 1, training(lambda _: ["nothing"]))

    assert row(study.trials[0])["reason"] == "the run printed no epoch"


def test_a_poor_trial_is_pruned(tmp_path: Path) -> None:
    ran: list[list[str]] = []

    def worse_than_the_first_ones(_: list[str]) -> list[str]:
        start = 0.5 if len(ran) <= 4 else 0.1
        return printed(start, start + 0.1, start + 0.2)

    study = run(tmp_path, 5, training(worse_than_the_first_ones, ran))

    assert row(study.trials[-1]) | {"state": "pruned", "epochs": "2"} == row(study.trials[-1])


def test_importances_sum_to_one(tmp_path: Path) -> None:
    study = run(tmp_path, 12, training(better_with_lr))
    shares = importances(study)

    assert set(shares) == set(SPACE)
    assert sum(shares.values()) == pytest.approx(1)


def test_a_few_trials_give_no_importance(tmp_path: Path) -> None:
    assert importances(run(tmp_path, 3, training(better_with_lr))) == {}


FAKE = """
import argparse, sys, pathlib
parser = argparse.ArgumentParser()
for name in ("data", "stages", "lr", "out"): parser.add_argument(f"--{name}")
options, _ = parser.parse_known_args()
(pathlib.Path(options.out) / "checkpoint.pt").write_bytes(b"heavy")
print('{"epoch": 1, "balanced_accuracy": %s}' % options.lr)
sys.exit(options.stages == "broken")
"""


def fake_trainer(tmp_path: Path) -> list[str]:
    script = tmp_path / "fake.py"
    script.write_text(FAKE)
    return [sys.executable, str(script), "--data", "x"]


def test_a_search_writes_its_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = hpo.build_parser().parse_args(["--data", "x", "--out", str(tmp_path / "out"), "--trials", "5", "--json"])
    status = hpo.local(options, hpo.trained_by(fake_trainer(tmp_path)))

    said = json.loads(capsys.readouterr().out)
    rows = list(csv.DictReader((tmp_path / "out/trials.csv").read_text().splitlines()))
    best = max(rows, key=lambda row: float(row["balanced_accuracy"]))
    assert (status, len(rows)) == (0, 5)
    assert (tmp_path / "out/winning.txt").read_text().strip() == said["flags"]
    assert f"--lr {best['lr']} " in said["flags"]
    assert (tmp_path / "out/importances.png").stat().st_size > 1000
    assert not list(tmp_path.rglob("checkpoint.pt")), "weights of trials are dropped"


def test_a_failing_trainer_gives_its_reason_and_status_3(tmp_path: Path) -> None:
    options = hpo.build_parser().parse_args(["--data", "x", "--out", str(tmp_path / "out"), "--trials", "1"])
    status = hpo.local(options, hpo.trained_by([*fake_trainer(tmp_path), "--stages", "broken"]))
    (row,) = csv.DictReader((tmp_path / "out/trials.csv").read_text().splitlines())

    assert status == 3
    assert row["state"] == "failed"
    assert "exit code 1" in row["reason"]


def test_dry_runs_show_what_would_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert hpo.main(["--data", "DIR", "--dry-run", "--", "--limit", "9"]) == 0

    flags = " ".join(as_flags(recipe_values()))
    assert capsys.readouterr().out.endswith(f"train.py --data DIR --stages 4x96 --limit 9 {flags}\n")
