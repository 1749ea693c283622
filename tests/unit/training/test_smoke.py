"""`make model-smoke` in a smaller form: every step on synthetic bins."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SMOKE = [sys.executable, str(ROOT / "training" / "smoke.py")]


def smoke(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SMOKE, *arguments], capture_output=True, text=True, timeout=900, check=False, cwd=ROOT)


def test_every_step_works(tmp_path: Path) -> None:
    out = tmp_path / "smoke"
    done = smoke("--photos", "100", "--stages", "2x32", "--out", str(out))

    assert done.returncode == 0, done.stderr
    assert "All 8 steps worked" in done.stdout
    assert "bins are synthetic" in done.stdout
    assert [line.split(":")[0].strip() for line in done.stdout.splitlines() if line.startswith("  ")] == [
        "collect", "explore", "prepare", "train", "hpo", "package", "evaluate", "count",
    ]  # fmt: skip
    assert json.loads((out / "evaluation/metrics.json").read_text())["images"] > 0
    assert (out / "model.tar.gz").stat().st_size > 1_000_000
    assert (out / "hpo/winning.txt").read_text().startswith("--lr ")


def test_a_failed_step_stops_the_run_and_is_shown(tmp_path: Path) -> None:
    done = smoke("--data", str(tmp_path / "nothing"), "--out", str(tmp_path / "smoke"))

    assert done.returncode == 1
    assert "collect failed" in done.stderr
    assert "nothing" in done.stderr


def test_another_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years")
    done = smoke("--out", str(tmp_path))

    assert done.returncode == 2
    assert (tmp_path / "thesis.txt").read_text() == "years"
