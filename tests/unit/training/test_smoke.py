"""`make model-smoke` in a smaller form: every step on synthetic bins."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

from binlab.data.synthetic import write_bins

from tests.unit.training.scripts import Scripts

ROOT = Path(__file__).parents[3]
SMOKE = [sys.executable, str(ROOT / "training" / "smoke.py")]


def smoke(*arguments: str, code: int) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*SMOKE, *arguments], capture_output=True, text=True, timeout=900, check=False, cwd=ROOT)
    assert done.returncode == code, done.stderr
    return done


def test_every_step_works(tmp_path: Path, scripts: Scripts) -> None:
    """The steps run as the script runs them, except that they don't import their libraries again each time."""
    out = tmp_path / "smoke"
    planned = smoke("--dry-run", "--photos", "100", "--stages", "2x32", "--out", str(out), code=0).stdout
    write_bins(out / "synthetic", 100)
    *steps, count = map(shlex.split, planned.splitlines())

    for _, script, *flags in steps:
        done = scripts.run(Path(script).name, *flags)
        assert done.returncode == 0, (script, done.stderr[-3000:])
    counted = subprocess.run(count, capture_output=True, text=True, timeout=300, check=True).stdout

    assert [Path(script).stem for _, script, *_ in steps] == [
        "collect", "explore", "prepare", "train", "hpo", "package", "evaluate",
    ]  # fmt: skip
    assert json.loads((out / "evaluation/metrics.json").read_text())["images"] > 0
    assert (out / "model.tar.gz").stat().st_size > 1_000_000
    assert (out / "hpo/winning.txt").read_text().startswith("--lr ")
    assert len(counted.splitlines()) > 50


def test_a_failed_step_stops_the_run_and_is_shown(tmp_path: Path) -> None:
    done = smoke("--data", str(tmp_path / "nothing"), "--out", str(tmp_path / "smoke"), code=1)

    assert "collect failed" in done.stderr
    assert "nothing" in done.stderr


def test_another_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years")
    smoke("--out", str(tmp_path), code=2)

    assert (tmp_path / "thesis.txt").read_text() == "years"
