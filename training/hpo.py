"""Search for better hyperparameters with many short training runs.

    python training/hpo.py --data DIR --trials 20 -- --stages 4x96 --weights FILE   # hours on two cores
    python training/hpo.py --data DIR --trials 2 --out .work/try -- --stages 1x32 --limit 100 --weights none
    python training/hpo.py --runner sagemaker --dry-run --role ROLE --data s3://my-bucket/bins/prepared \\
        --output s3://my-bucket/tuning --trials 20 -- --stages 8x128                # the flags of `jobs.py tune`

Flags after `--` go to every run of train.py. The objective is balanced accuracy on validation; poor runs are pruned.
Writes study.db, trials.csv, winning.txt (the best flags for train.py) and importances.png to --out. Safe to rerun:
after Ctrl-C or a crash, the same command continues.

Exit codes: 0 done; 2 bad usage; 3 trials failed, or the search was interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import optuna
from binlab.hpo.search import (
    EVALUATED,
    Train,
    TrialError,
    importances,
    open_study,
    plot_importances,
    print_trials,
    recipe_values,
    search,
    winning_flags,
    write_trials,
)
from binlab.hpo.space import as_flags
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console
from tqdm import tqdm

STAGES = ["--stages", "4x96"]
HEAVY = ("checkpoint.pt", "network.safetensors")
PARTLY = 3


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = os.environ.get("SM_CHANNEL_TRAIN")
    add = parser.add_argument
    add("--runner", choices=("local", "sagemaker"), default="local", help="(default: %(default)s)")
    add("--data", type=Path, default=data, required=not data, help="folder with bin-images/ and metadata/")
    add("--out", type=Path, default=".work/hpo", help="(default: %(default)s)")
    add("--trials", type=int, default=20, help="total, including earlier runs (default: %(default)s)")
    add("--seed", type=int, default=7, help="seed of the search (default: %(default)s)")
    add("--dry-run", action="store_true", help="print the command of the first trial and run nothing")
    add("--json", action="store_true", help="print the best trial as JSON")
    add("flags", nargs="*", metavar="-- FLAGS", help=f"flags of train.py (default: {' '.join(STAGES)})")
    return parser


def command_for(options: argparse.Namespace) -> list[str]:
    """The command of each trial, without --out and the flags of the search space."""
    script = str(Path(__file__).with_name("train.py"))
    stages = [] if "--stages" in options.flags else STAGES
    return [sys.executable, script, "--data", str(options.data), *stages, *options.flags]


def trained_by(command: Sequence[str]) -> Train:
    """Runs `command` with more flags. Its standard error goes to train.log, and its weights are deleted."""

    @contextmanager
    def train(flags: list[str], folder: Path) -> Iterator[Iterator[str]]:
        folder.mkdir(parents=True, exist_ok=True)
        log, words = folder / "train.log", [*command, *flags, "--out", str(folder)]
        with log.open("w") as errors, subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, text=True) as run:
            try:
                yield iter(run.stdout or ())
            except BaseException:
                run.terminate()
                raise
        for name in HEAVY:
            (folder / name).unlink(missing_ok=True)
        if run.returncode:
            raise TrialError(f"exit code {run.returncode}, see {log}: {log.read_text().strip()[-200:]}")

    return train


def report(study: optuna.Study, options: argparse.Namespace) -> int:
    """Write and print what the search has found so far."""
    console = Console(stderr=options.json)
    write_trials(options.out / "trials.csv", study.trials)
    print_trials(console, study.trials)
    if shares := importances(study):
        plot_importances(options.out / "importances.png", shares, len(study.trials))
    finished = study.get_trials(states=(TrialState.COMPLETE,))
    if finished:
        flags = winning_flags(study.best_trial)
        (options.out / "winning.txt").write_text(flags + "\n")
        console.print(f"\nBest so far: train.py {flags}", highlight=False, soft_wrap=True)
        if options.json:
            print(json.dumps({"flags": flags, "balanced_accuracy": study.best_value, "trials": len(study.trials)}))
    return 0 if len(study.get_trials(states=EVALUATED)) >= options.trials and finished else PARTLY


def main(arguments: list[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    runner = argparse.ArgumentParser(add_help=False)
    runner.add_argument("--runner")
    chosen, rest = runner.parse_known_args(words)
    if chosen.runner == "sagemaker":
        import jobs

        return jobs.main(["tune", *rest])
    options = build_parser().parse_args(words)
    command = command_for(options)
    if options.dry_run:
        print(" ".join([*command, *as_flags(recipe_values())]))
        return 0
    return local(options, trained_by(command))


def local(options: argparse.Namespace, train: Train) -> int:
    options.out.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = open_study(options.out / "study.db", options.seed)
    done = len(study.get_trials(states=EVALUATED))
    with tqdm(total=options.trials, initial=done, desc="trials", unit="trial") as bar:

        def on_trial(trial: FrozenTrial) -> None:
            bar.update(trial.state in EVALUATED)

        try:
            search(study, options.trials, train, options.out / "trials", on_trial)
        except KeyboardInterrupt:
            print("\nInterrupted. Run the same command to continue.", file=sys.stderr)
    return report(study, options)


if __name__ == "__main__":
    sys.exit(main())
