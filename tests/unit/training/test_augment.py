import numpy as np
import pytest
import torch
from binlab.train.augment import mixed, varied
from binlab.train.loop import seeded
from binlab.train.pixels import to_batch


def squares() -> torch.Tensor:
    pixels = np.zeros((16, 48, 48, 3), np.uint8)
    pixels[:, 16:32, 16:32] = 255
    return to_batch(pixels)


@pytest.mark.parametrize("augment", ["light", "strong"])
def test_variation_keeps_the_range_and_the_middle_and_follows_the_seed(augment: str) -> None:
    once, again = (varied(squares(), 40, augment, seeded(5)) for _ in range(2))

    assert once.shape == (16, 3, 40, 40)
    assert torch.equal(once, again)
    assert once.min() >= 0 and once.max() <= 1
    assert (once[:, :, 20, 20] > 0.4).all(), "a crop keeps the middle"
    assert not torch.equal(once[0], once[1])


def test_strong_variation_keeps_a_mark_in_each_corner() -> None:
    """An item at the edge may leave the picture for a moment, but on the whole the bin's face is seen."""
    pixels = np.zeros((64, 60, 60, 3), np.uint8)
    pixels[:, 8:14, 8:14] = pixels[:, 8:14, 46:52] = pixels[:, 46:52, 8:14] = pixels[:, 46:52, 46:52] = 255
    seen = varied(to_batch(pixels), 60, "strong", seeded(1)).mean(1)
    quarters = [seen[:, :30, :30], seen[:, :30, 30:], seen[:, 30:, :30], seen[:, 30:, 30:]]

    assert all(float((quarter.amax((1, 2)) > 0.3).float().mean()) > 0.75 for quarter in quarters)


def test_none_only_resizes() -> None:
    assert torch.equal(varied(squares(), 48, "none", seeded(1)), squares())


def test_mixing_keeps_the_sum_of_targets_and_weighs_the_own_picture_more() -> None:
    batch, targets = torch.eye(8)[:, :, None, None], torch.eye(8)
    pictures, blended = mixed(batch, targets, 0.4, seeded(2))

    assert torch.allclose(blended.sum(1), torch.ones(8))
    assert torch.allclose(pictures[:, :, 0, 0], blended), "picture and target are blended alike"
    assert (blended.diagonal() >= 0.5).all()
    assert (blended.diagonal() < 1).any()


def test_no_mixing_gives_the_batch_back() -> None:
    batch, targets = squares(), torch.eye(16)

    assert mixed(batch, targets, 0.0, seeded(2)) == (batch, targets)
