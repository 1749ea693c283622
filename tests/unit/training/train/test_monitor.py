"""Each rule on a run made to break it, and on a healthy one."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from binlab.evaluate.metrics import log_loss
from binlab.train.journal import Journal, draw_curves
from binlab.train.loop import logits_of, train_one_epoch
from binlab.train.monitor import METRIC_DEFINITIONS, METRICS, OBJECTIVE, RULES, epoch_line, read_epoch, warnings_after
from binlab.train.recipe import Recipe, Stage
from binmodel.predict import softmax
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.unit.training.train.small import LABELS, PIXELS, RECIPE, small_state

NOISE = np.random.default_rng(0).integers(0, 256, (64, 12, 12, 3), dtype=np.uint8)
COINS = np.random.default_rng(1).integers(0, 2, 64)


class Deep(torch.nn.Module):
    """Enough weights to learn 64 images of noise."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(3 * 8 * 8, 256)
        self.fc = torch.nn.Linear(256, 2)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.fc(torch.relu(self.first(batch.reshape(len(batch), -1))))


def history_of(
    recipe: Recipe, network: torch.nn.Module | None = None, pixels: np.ndarray = PIXELS, labels: np.ndarray = LABELS
) -> list[dict[str, Any]]:
    """A real run: what each epoch was worth, judged on the half that was not learnt from."""
    from binlab.train.state import train_state

    made, state = small_state(recipe, len(labels))
    if network is not None:
        made, state = network, train_state(network, recipe, len(labels) // 2, 0, 1)
    history: list[dict[str, Any]] = []
    for epoch in range(1, recipe.epochs + 1):
        learnt = train_one_epoch(state, pixels[::2], labels[::2], recipe, epoch=epoch, outputs=2)
        probabilities = softmax(logits_of(made, pixels[1::2, 2:10, 2:10]))
        guesses = np.bincount(probabilities.argmax(1), minlength=2) / len(probabilities)
        history.append({
            "epoch": epoch, "size": 8, "loss": learnt.loss, "gradient": learnt.gradient, "seconds": 0.1,
            "validation_loss": log_loss(probabilities, labels[1::2], (0, 1)), "balanced_accuracy": 0.5,
            "within_one": 1.0, "rmse_expected": 0.5, "predicted_shares": {"0": guesses[0], "1": guesses[1]},
        })  # fmt: skip
    return history


def rules_broken(history: list[dict[str, Any]]) -> set[str]:
    return {warning.rule for done in range(1, len(history) + 1) for warning in warnings_after(history[:done])}


PLAIN = replace(RECIPE, schedule="constant", ema=0.0, weight_decay=0.0, augment="none")


def test_a_healthy_run_gives_no_warnings() -> None:
    assert rules_broken(history_of(replace(PLAIN, stages=(Stage(6, 8),), lr=0.4))) == set()


def test_a_learning_rate_of_zero_is_a_plateau() -> None:
    broken = rules_broken(history_of(replace(PLAIN, lr=0.0)))

    assert {"loss-not-falling", "plateau"} <= broken


def test_memorised_noise_is_overfitting() -> None:
    torch.manual_seed(3)
    recipe = replace(PLAIN, stages=(Stage(12, 8),), lr=3e-3, augment="none")

    assert "overfitting" in rules_broken(history_of(recipe, Deep(), NOISE, COINS))


def test_a_zero_last_layer_stops_the_gradient() -> None:
    network, _ = small_state()
    for parameter in network.parameters():
        torch.nn.init.zeros_(parameter)
    recipe = replace(PLAIN, lr=0.0, stages=(Stage(1, 8),))
    half_and_half = np.tile([0, 0, 1, 1], 16)  # the only gradient left is that of the bias, and it is even

    assert "vanishing-gradient" in rules_broken(
        history_of(replace(recipe, batch=32), network, np.full_like(PIXELS, 128), half_and_half)
    )


def test_weights_that_are_far_too_large_explode() -> None:
    torch.manual_seed(0)
    network = Deep()
    for parameter in network.parameters():
        parameter.data.mul_(300)

    assert "exploding-gradient" in rules_broken(
        history_of(replace(PLAIN, stages=(Stage(1, 8),)), network, NOISE, COINS)
    )


def test_a_class_that_has_no_photos_is_dead() -> None:
    assert "dead-classes" in rules_broken(history_of(PLAIN, labels=np.zeros_like(LABELS)))


@pytest.mark.parametrize("rule", RULES)
def test_a_single_good_epoch_gives_no_warning(rule: str) -> None:
    epoch = {"loss": 1.6, "gradient": 1.0, "validation_loss": 1.6, "predicted_shares": {"1": 0.5, "2": 0.5}}

    assert RULES[rule]([epoch]) is None


def test_the_monitor_warns_plots_and_continues(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    epochs = [
        {key: value for key, value in epoch.items() if key != "epoch"} for epoch in history_of(replace(PLAIN, lr=0.0))
    ]
    journal = Journal(tmp_path, [])
    for epoch in epochs[:4]:
        journal.add(**epoch)
    printed = capsys.readouterr()

    assert [line[:11] for line in printed.out.splitlines()] == [f'{{"epoch": {n}' for n in (1, 2, 3, 4)]
    assert "warning: epoch 4: loss-not-falling: The training loss started at" in printed.err
    assert journal.has_warned(["loss-not-falling"]) and not journal.has_warned(["overfitting"])
    with Image.open(tmp_path / "curves.png") as image:
        assert image.size > (400, 300)
    assert list((tmp_path / "tensorboard").iterdir())
    assert Journal(tmp_path, journal.history).has_warned(["loss-not-falling"]), "a run that goes on knows it still"


def test_only_the_first_process_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = Journal(tmp_path, [], writes=False)
    journal.add(**{key: value for key, value in history_of(PLAIN)[0].items() if key != "epoch"})

    assert (journal.epochs, list(tmp_path.iterdir()), capsys.readouterr().out) == (1, [], "")


def test_curves_mark_where_the_size_changes(tmp_path: Path) -> None:
    history = [{**epoch, "size": 8 if epoch["epoch"] < 4 else 16} for epoch in history_of(PLAIN)]
    draw_curves(history, tmp_path / "curves.png")

    with Image.open(tmp_path / "curves.png") as image:
        assert len(image.convert("RGB").getcolors(1 << 20) or []) > 10


# ---- The line of an epoch

NUMBERS = st.floats(-1e6, 1e6) | st.integers(-1000, 1000)


@given(st.fixed_dictionaries({"epoch": st.integers(1, 99), **dict.fromkeys(METRICS, NUMBERS)}))
def test_every_regex_finds_its_metric(figures: dict[str, float]) -> None:
    line = epoch_line(figures)
    names = {metric["Name"]: metric["Regex"] for metric in METRIC_DEFINITIONS}

    for figure, name in METRICS.items():
        (found,) = re.findall(names[name], line)
        assert float(found) == pytest.approx(figures[figure], abs=1e-6)


def test_a_value_that_is_not_a_number_is_not_matched() -> None:
    line = epoch_line({"epoch": 1, "loss": float("nan"), "validation_loss": float("inf")})

    assert json.loads(line) == {"epoch": 1, "loss": None, "validation_loss": None}
    assert not any(re.search(metric["Regex"], line) for metric in METRIC_DEFINITIONS)


def test_only_lines_of_an_epoch_are_read() -> None:
    lines = [
        "decode at 96 px: 100%",
        '{"warning": "overfitting"}',
        '{"epoch": 1, "lo',
        epoch_line({"epoch": 2, OBJECTIVE: 0.4}),
    ]

    assert [read_epoch(line) for line in lines] == [None, None, None, {"epoch": 2, OBJECTIVE: 0.4}]


def test_service_limits() -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_MetricDefinition.html"""
    assert all(len(metric["Name"]) <= 255 and len(metric["Regex"]) <= 500 for metric in METRIC_DEFINITIONS)
    assert len(METRIC_DEFINITIONS) <= 40
