from pathlib import Path

import numpy as np
import pytest
import torch
from binlab.checkpoint import Checkpoint
from binlab.loop import batches, logits_of, soft_targets, train_one_epoch


def test_a_share_of_the_label_goes_to_its_neighbours() -> None:
    targets = soft_targets(torch.tensor([0, 2, 4]), 5, 0.2)

    expected = [[0.8, 0.2, 0, 0, 0], [0, 0.1, 0.8, 0.1, 0], [0, 0, 0, 0.2, 0.8]]
    assert targets.tolist() == [pytest.approx(row) for row in expected]


def test_no_share_is_the_plain_label() -> None:
    assert soft_targets(torch.tensor([1]), 3, 0.0).tolist() == [[0, 1, 0]]


def test_batches_cover_everything_once_in_order() -> None:
    assert [part.tolist() for part in batches(np.arange(7), 3)] == [[0, 1, 2], [3, 4, 5], [6]]


class Lightness(torch.nn.Module):
    """One number for a picture, its mean, times a learnt weight for each class."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = torch.nn.Linear(1, 2)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.fc(batch.mean((1, 2, 3))[:, None])


LIGHT = np.repeat([30, 220], 32)
PIXELS = np.broadcast_to(LIGHT[:, None, None, None], (64, 12, 12, 3)).astype(np.uint8)
LABELS = (LIGHT > 100).astype(np.int64)


class Run:
    """Everything that a training run changes."""

    def __init__(self, path: Path) -> None:
        torch.manual_seed(0)
        self.network = Lightness()
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=0.5)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimiser, 0.5, total_steps=32)
        self.generator = torch.Generator().manual_seed(1)
        self.checkpoint = Checkpoint(path, self.network, self.optimiser, self.schedule, self.generator)

    def epoch(self) -> float:
        return train_one_epoch(
            self.network, PIXELS, LABELS, size=8, batch_size=16, optimiser=self.optimiser, schedule=self.schedule,
            generator=self.generator, to_neighbours=0.0,
        )  # fmt: skip


def test_a_few_epochs_learn_dark_from_light(tmp_path: Path) -> None:
    run = Run(tmp_path / "checkpoint.pt")
    losses = [run.epoch() for _ in range(8)]

    assert losses[-1] < losses[0] / 2
    assert (logits_of(run.network, PIXELS, batch_size=10).argmax(1) == LABELS).all()


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    through, stopped = Run(tmp_path / "through.pt"), Run(tmp_path / "stopped.pt")
    losses = [through.epoch() for _ in range(3)]
    stopped.checkpoint.save([{"loss": stopped.epoch()}])
    goes_on = Run(tmp_path / "stopped.pt")

    assert through.checkpoint.restore() == []
    assert goes_on.checkpoint.restore() == [{"loss": losses[0]}]
    assert [goes_on.epoch(), goes_on.epoch()] == losses[1:]
    assert torch.equal(goes_on.network.fc.weight, through.network.fc.weight)
    assert [path.name for path in tmp_path.iterdir()] == ["stopped.pt"]
