"""train.py as a person runs it: recipes, going on, several processes, what it refuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from binlab.data.dataset import read_images
from binlab.data.synthetic import write_bin
from binlab.train.journal import Journal
from binlab.train.loop import Validator
from binlab.train.monitor import METRIC_DEFINITIONS
from binlab.train.network import (
    add_to_bias,
    finetuned_network,
    isolated_outputs,
    labels_of,
    logit_adjustment,
    outputs_of,
    save_network,
)
from binmodel.network import build_network
from safetensors.torch import load_file

from tests.unit.training.scripts import TRAINING, Scripts
from tests.unit.training.train.small import Lightness

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


Train = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def train(scripts: Scripts) -> Train:
    return partial(scripts.run, "train.py")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "bins"
    for number in range(48):
        write_bin(folder, 10 * number, number % 8)  # empty, 1 to 5, and two counts over the range
    return folder


def common(data: Path, work: Path) -> list[object]:
    return ["--data", data, "--weights", "none", "--cache", work / "cache", "--batch", 16]


def killed_after_the_first_epoch(checkpoint: Path, *arguments: object) -> None:
    command = [sys.executable, str(TRAINING / "train.py"), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT) as run:
        assert run.stdout and run.stdout.readline().startswith(b'{"epoch": 1')
        while not checkpoint.exists() and run.poll() is None:
            time.sleep(0.01)
        run.kill()


def test_an_interrupted_run_ends_like_an_uninterrupted_one(train: Train, data: Path, tmp_path: Path) -> None:
    flags = [*common(data, tmp_path), "--stages", "1x32,1x48", "--ema", 0.5]
    cut = [*flags, "--out", tmp_path / "cut", "--checkpoints", tmp_path / "spot"]
    through = train(*flags, "--out", tmp_path / "through")
    killed_after_the_first_epoch(tmp_path / "spot/checkpoint.pt", *cut)
    goes_on = train(*cut)
    assert (through.returncode, goes_on.returncode) == (0, 0), through.stderr + goes_on.stderr

    assert [line[:11] for line in goes_on.stdout.splitlines()] == ['{"epoch": 2'], "an epoch is lost at most"
    lines = [json.loads(line) for line in through.stdout.splitlines()]
    assert [(line["epoch"], line["size"]) for line in lines] == [(1, 32), (2, 48)]
    for definition in METRIC_DEFINITIONS:
        assert len(re.findall(definition["Regex"], through.stdout)) == 2, definition["Name"]
    one, other = (load_file(tmp_path / name / "network.safetensors") for name in ("through", "cut"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert one["fc.weight"].shape == (7, 2048)
    record = json.loads((tmp_path / "through/training.json").read_text())
    assert (record["outputs"], record["starting_weights"]) == ([0, 1, 2, 3, 4, 5, 6], "none")
    assert "--stages 1x32,1x48" in record["recipe"][0]
    assert (tmp_path / "through/curves.png").exists()


def test_a_checkpoint_continues_a_run(train: Train, data: Path, tmp_path: Path) -> None:
    flags = [*common(data, tmp_path), "--schedule", "constant", "--ema", 0.5, "--out", tmp_path / "run"]
    assert train(*flags, "--stages", "1x32").returncode == 0
    again = train(*flags, "--stages", "1x32")
    other = train(*flags, "--stages", "2x32")

    assert (again.returncode, again.stdout) == (0, ""), "it was done already"
    assert other.returncode == 2
    assert "is of a run with other flags" in other.stderr and "Traceback" not in other.stderr


def test_two_processes_train_one_network(data: Path, tmp_path: Path) -> None:
    """Run by torchrun, as on two machines with one device each."""
    flags = [*common(data, tmp_path), "--stages", "1x32", "--out", tmp_path / "run"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, str(TRAINING / "train.py"), *map(str, flags)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=ENVIRONMENT)

    assert done.returncode == 0, done.stderr[-3000:]
    assert len(done.stdout.splitlines()) == 1, "only one process reports"
    assert (tmp_path / "run/network.safetensors").exists()


def test_a_run_distils_another_and_records_it(train: Train, data: Path, tmp_path: Path) -> None:
    flags = [*common(data, tmp_path), "--stages", "1x32", "--ema", 0]
    first = train(*flags, "--out", tmp_path / "teacher")
    taught = train(*flags, "--teacher", tmp_path / "teacher", "--distil", 0.5, "--out", tmp_path / "taught")

    assert (first.returncode, taught.returncode) == (0, 0), taught.stderr[-3000:]
    records = [json.loads((tmp_path / run / "training.json").read_text()) for run in ("teacher", "taught")]
    assert (records[0]["teacher"], records[1]["teacher"]) == (None, records[0]["recipe"])
    assert "--distil 0.5" in records[1]["recipe"][0]
    assert records[0]["history"][0]["loss"] != records[1]["history"][0]["loss"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "--data is required"),
        (["--data", "/nowhere"], "No labelled photos under /nowhere"),
        (["--data", "/nowhere", "--stages", "8"], "is not like 8x128,4x176"),
        (["--data", "/nowhere", "--stop-on", "boredom"], "invalid choice: 'boredom'"),
        (["--data", "/nowhere", "--distil", "0.5"], "--teacher and --distil belong together"),
    ],
)
def test_unsupported_flags_are_reported(train: Train, flags: list[str], words: str, tmp_path: Path) -> None:
    done = train(*flags, "--out", tmp_path)

    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr


def test_labels_are_output_indices_and_counts_over_five_share_one() -> None:
    assert labels_of([0, 1, 5, 6, 23], outputs_of(True)).tolist() == [0, 1, 5, 6, 6]
    assert labels_of([1, 5], outputs_of(False)).tolist() == [0, 4]
    assert isolated_outputs(outputs_of(True)) == (0, 6)


def test_balancing_equalises_classes_and_keeps_the_rate_of_others() -> None:
    outputs = outputs_of(True)
    labels = labels_of([0] * 10 + [1] * 50 + [2] * 10 + [3] * 10 + [4] * 10 + [5] * 10, outputs)
    frequency = np.bincount(labels, minlength=7) / 100
    shifted = frequency * np.exp(logit_adjustment(labels, outputs))

    assert shifted[1:6] == pytest.approx([0.18] * 5)
    assert shifted[0] == pytest.approx(0.1)


def test_the_shift_moves_every_logit() -> None:
    network = Lightness()
    before = network.fc.bias.detach().clone()
    add_to_bias(network, np.array([1.0, -2.0], np.float32))

    assert (network.fc.bias - before).tolist() == pytest.approx([1.0, -2.0])


def test_a_run_can_start_from_one_with_and_from_one_without_the_volume(tmp_path: Path) -> None:
    first = build_network(7, volume=True)
    save_network(first, tmp_path)
    counting, both = (finetuned_network(7, tmp_path, volume=volume) for volume in (False, True))
    save_network(counting, tmp_path)
    fresh = finetuned_network(7, tmp_path, volume=True)

    assert torch.equal(counting.fc.weight, first.fc.weight[:7])
    assert torch.equal(both.fc.weight, first.fc.weight)
    assert torch.equal(fresh.fc.weight[:7], first.fc.weight[:7])
    assert fresh.fc.bias.shape == (8,)


def test_a_run_that_starts_from_a_final_one_is_final(tmp_path: Path) -> None:
    """What the first run learned from is not unseen any more."""
    folders = [tmp_path / name for name in ("usual", "final", "later")]
    starts = [None, folders[0], folders[1]]
    for folder, start in zip(folders, starts, strict=True):
        folder.mkdir()
        Journal(folder, []).close("none", start, None, "--seed 7", (1, 2), final=folder.name == "final")
    records = [json.loads((folder / "training.json").read_text()) for folder in folders]

    assert [record["final"] for record in records] == [False, True, True]


def test_the_shift_leaves_the_volume() -> None:
    network = Lightness(3)
    before = network.fc.bias.detach().clone()
    add_to_bias(network, np.array([1.0, -2.0], np.float32))

    assert (network.fc.bias - before).tolist() == pytest.approx([1.0, -2.0, 0.0])


def test_validation_uses_counts_in_range_only(data: Path) -> None:
    images = [image for image in read_images(data) if 1 <= image.count <= 5][:6]
    torch.manual_seed(0)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
    shift = np.array([1e6, 0, 0, 1e3, 0, 0, 1e6], np.float32)  # all is empty, or more than five; of the rest, a 3
    figures = Validator(outputs_of(True), shift).figures(build_network(7), pixels, images)

    assert figures["predicted_shares"] == {"1": 0.0, "2": 0.0, "3": 1.0, "4": 0.0, "5": 0.0}
    assert figures["accuracy"] == pytest.approx(np.mean([image.count == 3 for image in images]))
