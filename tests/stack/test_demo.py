"""`bintally demo`, as `make demo` runs it, on the pictures that the tests keep."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.stack.conftest import ROOT

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]


@pytest.mark.usefixtures("stack")
def test_the_demo_counts_reconciles_and_draws(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for path in (ROOT / "tests" / "photos").glob("*.jpg"):
        (images / path.name).write_bytes(path.read_bytes())
    (images / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    orders = tmp_path / "orders.csv"
    orders.write_text("consignment_id,bin_id,expected\nD-1,drawn-001,1\nD-1,drawn-002,9\nD-2,broken,3\n")
    report = tmp_path / "report.png"
    bintally = Path(sys.executable).parent / "bintally"

    run = subprocess.run(
        [bintally, "demo", "--images", images, "--orders", orders, "--report", report, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 3, run.stderr  # one photo could not be counted
    summary = json.loads(run.stdout.splitlines()[-1])
    assert summary["images"] == 6
    assert summary["counted"] == 5
    assert summary["rejected"] == 1
    assert summary["unaccounted"] == 0
    assert summary["images_per_second"] > 0
    assert sum(summary["verdicts"].values()) == 3
    assert summary["verdicts"]["UNREADABLE"] == 1
    assert Path(summary["report"]) == report
    with Image.open(report) as sheet:
        assert min(sheet.size) > 300
    with report.with_suffix(".csv").open(newline="") as file:
        assert {row["bin_id"] for row in csv.DictReader(file)} >= {"drawn-001", "broken"}
