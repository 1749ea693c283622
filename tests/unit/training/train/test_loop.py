from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from binlab.train.loop import (
    batches,
    logits_of,
    loss_of,
    seeded,
    soft_targets,
    steps_in_epoch,
    train_one_epoch,
    volume_loss,
    volume_targets,
)
from binlab.train.network import BFLOAT16, mixed_precision
from binlab.train.recipe import Recipe, Stage
from binlab.train.state import Checkpoint, CheckpointError
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.training.train.small import LABELS, PIXELS, RECIPE, small_state


def test_label_smoothing_goes_to_the_neighbouring_counts() -> None:
    targets = soft_targets(torch.tensor([0, 2, 4]), 5, 0.2)

    expected = [[0.8, 0.2, 0, 0, 0], [0, 0.1, 0.8, 0.1, 0], [0, 0, 0, 0.2, 0.8]]
    assert targets.tolist() == [pytest.approx(row) for row in expected]


def test_an_empty_bin_is_not_a_neighbour_of_one_item() -> None:
    targets = soft_targets(torch.tensor([0, 1, 3, 4]), 5, 0.2, isolated=(0, 4))

    expected = [[1, 0, 0, 0, 0], [0, 0.8, 0.2, 0, 0], [0, 0, 0.2, 0.8, 0], [0, 0, 0, 0, 1]]
    assert targets.tolist() == [pytest.approx(row) for row in expected]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=20), st.floats(0, 1), st.sampled_from([(), (0,), (0, 6)]))
def test_targets_are_probabilities(labels: list[int], share: float, alone: tuple[int, ...]) -> None:
    targets = soft_targets(torch.tensor(labels), 7, share, alone)

    assert torch.allclose(targets.sum(1), torch.ones(len(labels)))
    assert (targets >= 0).all()


def test_batches_cover_everything_once_in_order() -> None:
    assert [part.tolist() for part in batches(np.arange(7), 3)] == [[0, 1, 2], [3, 4, 5], [6]]


@pytest.mark.parametrize(("images", "processes", "steps"), [(33, 1, 2), (34, 1, 3), (34, 2, 2), (35, 2, 3)])
def test_a_batch_has_two_images_for_some_process(images: int, processes: int, steps: int) -> None:
    assert steps_in_epoch(images, replace(RECIPE, batch=16), processes) == steps


def test_the_random_choices_depend_on_each_seed() -> None:
    first = [
        torch.rand(3, generator=seeded(*numbers)).tolist() for numbers in [(7, 1), (7, 1), (7, 2), (8, 1), (7, 1, 1)]
    ]

    assert first[0] == first[1]
    assert len({tuple(draw) for draw in first}) == 4


class Run:
    """A run in `folder`, with all that it changes."""

    def __init__(self, folder: Path, recipe: Recipe = RECIPE, outputs: int = 2) -> None:
        self.network, self.state = small_state(recipe, outputs=outputs)
        self.checkpoint = Checkpoint(folder, self.network, self.state, recipe.flags())

    def epoch(self, number: int) -> float:
        return train_one_epoch(self.state, PIXELS, LABELS, RECIPE, epoch=number, outputs=2).loss


def test_a_few_epochs_learn_dark_from_light(tmp_path: Path) -> None:
    run = Run(tmp_path)
    losses = [run.epoch(number) for number in range(1, 9)]

    assert losses[-1] < losses[0] / 2
    for network in (run.network, run.state.averaged.module):
        assert (logits_of(network, PIXELS, batch_size=10).argmax(1) == LABELS).all()


def test_a_stopped_run_continues_as_if_uninterrupted(tmp_path: Path) -> None:
    through, stopped = Run(tmp_path / "through"), Run(tmp_path / "stopped")
    losses = [through.epoch(number) for number in (1, 2, 3)]
    stopped.checkpoint.save([{"loss": stopped.epoch(1)}])
    goes_on = Run(tmp_path / "stopped")

    assert through.checkpoint.restore() == []
    assert goes_on.checkpoint.restore() == [{"loss": losses[0]}]
    assert [goes_on.epoch(2), goes_on.epoch(3)] == losses[1:]
    assert torch.equal(goes_on.network.fc.weight, through.network.fc.weight)
    assert torch.equal(goes_on.state.averaged.module.fc.weight, through.state.averaged.module.fc.weight)
    assert [path.name for path in tmp_path.rglob("*.*")] == ["checkpoint.pt"]


def test_a_checkpoint_of_other_flags_is_refused(tmp_path: Path) -> None:
    Run(tmp_path).checkpoint.save([])

    with pytest.raises(CheckpointError, match=r"--lr 0\.2"):
        Run(tmp_path, replace(RECIPE, lr=0.1)).checkpoint.restore()


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path: Path) -> None:
    run = Run(tmp_path)
    with torch.no_grad():
        run.network.fc.weight.fill_(float("nan"))

    with pytest.raises(FloatingPointError, match="Lower --lr"):
        run.epoch(1)


def test_distillation_follows_a_better_teacher(tmp_path: Path) -> None:
    """With all of the target the teacher's, records that say the contrary are not learnt."""
    recipe, run = replace(RECIPE, distil=1.0), Run(tmp_path)
    contrary = np.eye(2, dtype=np.float32)[1 - LABELS]
    for epoch in range(1, 9):
        train_one_epoch(run.state, PIXELS, LABELS, recipe, epoch=epoch, outputs=2, teacher=contrary)

    guesses = logits_of(run.network, PIXELS[:, :8, :8]).argmax(1)
    assert (guesses != LABELS).all()


def test_the_loss_of_a_volume_leaves_out_what_is_unknown() -> None:
    targets = volume_targets(np.array([1.0, np.nan, 3.0]))
    predicted = torch.tensor([1.5, 99.0, 3.0])

    assert targets.tolist() == [[1, 1], [0, 0], [3, 1]]
    assert volume_loss(predicted, *targets.T).item() == pytest.approx(0.125 / 2)
    assert volume_loss(predicted[1:2], *targets[1:2].T).item() == 0


def test_the_volume_of_blended_images_is_the_mean_of_the_known_ones() -> None:
    one, unknown, three = volume_targets(np.array([1.0, np.nan, 3.0]))
    blended = torch.stack([0.75 * one + 0.25 * three, 0.75 * one + 0.25 * unknown])

    assert volume_loss(torch.tensor([1.5, 1.0]), *blended.T).item() == pytest.approx(0)


def test_without_a_weight_the_loss_is_that_of_the_counts() -> None:
    columns, targets = torch.rand(5, 3), torch.rand(5, 2).softmax(1)
    counting = torch.nn.functional.cross_entropy(columns[:, :2], targets)
    volumes = volume_targets(np.full(5, np.nan))

    assert torch.equal(loss_of(columns[:, :2], targets, 0.0), counting)
    assert torch.equal(loss_of(columns, torch.cat([targets, volumes], 1), 1.0), counting)


def test_a_few_epochs_learn_the_volume_beside_the_count(tmp_path: Path) -> None:
    recipe = replace(RECIPE, stages=(Stage(16, 8),), volume_weight=1.0, mixup=0.1)
    run = Run(tmp_path, recipe, outputs=3)
    volumes = np.where(np.arange(len(LABELS)) % 3, np.log(np.where(LABELS, 8.0, 2.0)), np.nan)
    for epoch in range(1, 17):
        train_one_epoch(run.state, PIXELS, LABELS, recipe, epoch=epoch, outputs=2, volumes=volumes)

    columns = logits_of(run.network, PIXELS)
    assert (columns[:, :2].argmax(1) == LABELS).all()
    assert columns[:, 2] == pytest.approx(np.log(np.where(LABELS, 8.0, 2.0)), abs=0.5)


def test_bfloat16_is_used_only_where_the_processor_has_it() -> None:
    """Emulated, it takes several times as long as float32."""
    with mixed_precision(torch.device("cpu")):
        product = torch.eye(2) @ torch.eye(2)
    native = any(torch.cpu.get_capabilities().get(name) for name in BFLOAT16)

    assert product.dtype is (torch.bfloat16 if native else torch.float32)
