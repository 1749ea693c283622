"""Run every step on a few photos, to check that they work together (`make model-smoke`).

    python training/smoke.py --data ../shared/abid                     # 400 photos: minutes on two cores
    python training/smoke.py --data s3://aft-vbi-pds --photos 100      # from the public bucket
    python training/smoke.py --photos 70                               # synthetic bins: no data, no network

Collects, explores, prepares, trains, searches, packages, evaluates and counts. Results and a log of each step are in
--out. A model from so few photos is not for use.

Exit codes: 0 done; 1 a step failed; 2 bad usage.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from binlab.data.synthetic import write_bins

TRAINING = Path(__file__).parent
LOGS = "logs"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", help="folder in the dataset's layout, or s3://BUCKET (default: synthetic bins)")
    add("--photos", type=int, default=400, help="(default: %(default)s)")
    add("--weights", default="none", help="starting weights for train.py (default: random)")
    add("--stages", default="2x64,1x96", help="stages for train.py (default: %(default)s)")
    add(
        "--out",
        type=Path,
        default=Path(".work/smoke"),
        help="folder for the results, emptied first (default: %(default)s)",
    )
    add("--dry-run", action="store_true", help="only print the command of each step")
    options = parser.parse_args(arguments)
    if options.out.exists() and not (options.out / LOGS).is_dir():
        parser.error(f"--out {options.out} is not from an earlier run and would be emptied. Choose another folder.")
    return options


def commands(options: argparse.Namespace) -> dict[str, list[str]]:
    """The command of each step, in order."""
    out, size = options.out, options.stages.split("x")[-1]
    source = options.data or str(out / "synthetic")
    raw, prepared, model, artifact = (str(out / name) for name in ("raw", "prepared", "model", "artifact"))
    learning = ["--weights", options.weights, "--cache", str(out / "cache"), "--batch", "64"]
    return {
        "collect": _script("collect", "--source", source, "--photos", str(options.photos), "--out", raw),
        "explore": _script("explore", "--data", raw, "--out", str(out / "explore")),
        "prepare": _script("prepare", "--data", raw, "--out", prepared),
        "train": _script("train", "--data", prepared, "--out", model, "--stages", options.stages, *learning),
        "hpo": _script(
            "hpo", "--data", prepared, "--out", str(out / "hpo"), "--trials", "2", "--",
            "--stages", "1x32", "--limit", "100", *learning[:4],
        ),
        "package": _script(
            "package", "--data", prepared, "--model", model, "--out", artifact, "--bundle", str(out / "model.tar.gz"),
            "--cache", str(out / "cache"), "--sizes", size, "--methods", "minmax",
            "--float-layers", "nothing", "--quantization-images", "32",
        ),
        "evaluate": _script("evaluate", "--data", prepared, "--model", artifact, "--out", str(out / "evaluation")),
        "count": [
            str(Path(sys.executable).with_name("bintally")), "count", f"{prepared}/bin-images", "--model", artifact,
        ],
    }  # fmt: skip


def _script(name: str, *flags: str) -> list[str]:
    return [sys.executable, str(TRAINING / f"{name}.py"), *flags]


def run_step(name: str, command: list[str], log: Path) -> bool:
    """Run a step with its output in `log`. Print its duration and, if it fails, the end of its output."""
    print(f"$ {shlex.join(command)}", flush=True)
    started = time.monotonic()
    with log.open("w") as file:
        status = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False).returncode
    print(f"  {name}: {time.monotonic() - started:.0f} s" + (f", exit code {status}" if status else ""), flush=True)
    if status:
        print(f"\n{name} failed. The end of {log}:\n{log.read_text(errors='replace')[-2000:]}", file=sys.stderr)
    return status == 0


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    if options.dry_run:
        print(*map(shlex.join, commands(options).values()), sep="\n")
        return 0
    shutil.rmtree(options.out, ignore_errors=True)
    logs = options.out / LOGS
    logs.mkdir(parents=True)
    if not options.data:
        print("No --data: the bins are synthetic, so the figures say nothing about real photos.")
        write_bins(options.out / "synthetic", options.photos)
    started, steps = time.monotonic(), commands(options)
    for number, (name, command) in enumerate(steps.items(), start=1):
        if not run_step(name, command, logs / f"{number}-{name}.log"):
            return 1
    minutes = (time.monotonic() - started) / 60
    print(f"\nAll {len(steps)} steps worked, in {minutes:.1f} minutes. See {options.out}/explore/report.html, "
          f"{options.out}/evaluation/report.html, {logs}/")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
