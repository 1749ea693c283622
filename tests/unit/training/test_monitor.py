"""Each rule on a run made to break it, and on a healthy one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from binlab.evaluate.metrics import log_loss
from binlab.train.curves import draw_curves
from binlab.train.journal import Journal
from binlab.train.loop import logits_of, train_one_epoch
from binlab.train.monitor import RULES, warnings_after
from binlab.train.recipe import Recipe, Stage
from binmodel.predict import softmax
from PIL import Image

from tests.unit.training.small import LABELS, PIXELS, RECIPE, small_learner

NOISE = np.random.default_rng(0).integers(0, 256, (64, 12, 12, 3), dtype=np.uint8)
COINS = np.random.default_rng(1).integers(0, 2, 64)


class Deep(torch.nn.Module):
    """Enough weights to learn 64 pictures of noise by heart."""

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
    from binlab.train.learning import learner_for

    made, learner = small_learner(recipe, len(labels))
    if network is not None:
        made, learner = network, learner_for(network, recipe, len(labels) // 2, 0, 1)
    history: list[dict[str, Any]] = []
    for epoch in range(1, recipe.epochs + 1):
        learnt = train_one_epoch(learner, pixels[::2], labels[::2], recipe, epoch=epoch, outputs=2)
        probabilities = softmax(logits_of(made, pixels[1::2, 2:10, 2:10]))
        guesses = np.bincount(probabilities.argmax(1), minlength=2) / len(probabilities)
        history.append({
            "epoch": epoch, "size": 8, "loss": learnt.loss, "gradient": learnt.gradient, "seconds": 0.1,
            "validation_loss": log_loss(probabilities, labels[1::2], (0, 1)), "balanced_accuracy": 0.5,
            "within_one": 1.0, "rmse_expected": 0.5, "guesses": {"0": guesses[0], "1": guesses[1]},
        })  # fmt: skip
    return history


def rules_broken(history: list[dict[str, Any]]) -> set[str]:
    return {warning.rule for done in range(1, len(history) + 1) for warning in warnings_after(history[:done])}


PLAIN = replace(RECIPE, schedule="constant", ema=0.0, decay=0.0, augment="none")


def test_a_healthy_run_is_not_warned_of() -> None:
    assert rules_broken(history_of(replace(PLAIN, stages=(Stage(6, 8),), rate=0.4))) == set()


def test_no_learning_rate_no_falling_loss_and_a_plateau() -> None:
    broken = rules_broken(history_of(replace(PLAIN, rate=0.0)))

    assert {"loss-not-falling", "plateau"} <= broken


def test_noise_learnt_by_heart_is_overfitting() -> None:
    torch.manual_seed(3)
    recipe = replace(PLAIN, stages=(Stage(12, 8),), rate=3e-3, augment="none")

    assert "overfitting" in rules_broken(history_of(recipe, Deep(), NOISE, COINS))


def test_a_last_layer_of_nothing_passes_no_gradient_on() -> None:
    network, _ = small_learner()
    for parameter in network.parameters():
        torch.nn.init.zeros_(parameter)
    recipe = replace(PLAIN, rate=0.0, stages=(Stage(1, 8),))
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


def test_a_class_that_has_no_photographs_is_dead() -> None:
    assert "dead-classes" in rules_broken(history_of(PLAIN, labels=np.zeros_like(LABELS)))


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_judges_a_single_good_epoch(rule: str) -> None:
    epoch = {"loss": 1.6, "gradient": 1.0, "validation_loss": 1.6, "guesses": {"1": 0.5, "2": 0.5}}

    assert RULES[rule]([epoch]) is None


def test_the_journal_warns_in_words_draws_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    epochs = [
        {key: value for key, value in epoch.items() if key != "epoch"} for epoch in history_of(replace(PLAIN, rate=0.0))
    ]
    journal = Journal(tmp_path, [])
    for epoch in epochs[:4]:
        journal.add(**epoch)
    printed = capsys.readouterr()

    assert [line[:11] for line in printed.out.splitlines()] == [f'{{"epoch": {n}' for n in (1, 2, 3, 4)]
    assert "warning: epoch 4: loss-not-falling: the training loss began at" in printed.err
    assert journal.warned_of(["loss-not-falling"]) and not journal.warned_of(["overfitting"])
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size > (400, 300)
    assert list((tmp_path / "tensorboard").iterdir())
    assert Journal(tmp_path, journal.history).warned_of(["loss-not-falling"]), "a run that goes on knows it still"


def test_only_the_first_process_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = Journal(tmp_path, [], writes=False)
    journal.add(**{key: value for key, value in history_of(PLAIN)[0].items() if key != "epoch"})

    assert (journal.epochs, list(tmp_path.iterdir()), capsys.readouterr().out) == (1, [], "")


def test_curves_mark_where_the_size_changes(tmp_path: Path) -> None:
    history = [{**epoch, "size": 8 if epoch["epoch"] < 4 else 16} for epoch in history_of(PLAIN)]
    draw_curves(history, tmp_path / "curves.png")

    with Image.open(tmp_path / "curves.png") as picture:
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 10
