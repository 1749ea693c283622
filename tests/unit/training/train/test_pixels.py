from pathlib import Path

import numpy as np
import pytest
import torch
from binlab.data.dataset import read_images
from binlab.data.synthetic import write_bin
from binlab.train.loop import seeded
from binlab.train.pixels import augment, cached_pixels, mixup, normalised, to_batch
from binmodel.images import decode
from binmodel.preprocess import normalise, squash


def written_images(root: Path, count: int = 4) -> list:
    for number in range(count):
        write_bin(root, 10 * number, 1 + number % 5)
    return read_images(root)


def test_training_sees_what_serving_sees() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 24, 24, 3), dtype=np.uint8)

    assert abs(normalised(to_batch(pixels)).numpy() - normalise(pixels)).max() < 1e-5


def test_cached_photos_are_those_that_serving_decodes_and_are_decoded_once(tmp_path: Path) -> None:
    images = written_images(tmp_path / "data")
    first = cached_pixels(images, 24, tmp_path / "cache")
    again = cached_pixels(images, 24, tmp_path / "cache", lambda _: pytest.fail("decoded twice"))

    assert np.array_equal(first, again)
    assert np.array_equal(first[2], squash(decode(images[2].path.read_bytes(), side=24), 24))
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".npy"]


def test_another_size_or_other_photos_need_another_cache(tmp_path: Path) -> None:
    images = written_images(tmp_path / "data")

    assert cached_pixels(images, 24, tmp_path / "cache").shape == (4, 24, 24, 3)
    assert cached_pixels(images, 32, tmp_path / "cache").shape == (4, 32, 32, 3)
    assert cached_pixels(images[1:], 24, tmp_path / "cache").shape == (3, 24, 24, 3)


# ---- Augmentation


def squares() -> torch.Tensor:
    pixels = np.zeros((16, 48, 48, 3), np.uint8)
    pixels[:, 16:32, 16:32] = 255
    return to_batch(pixels)


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_augmentation_keeps_range_and_centre_and_follows_the_seed(strength: str) -> None:
    once, again = (augment(squares(), 40, strength, seeded(5)) for _ in range(2))

    assert once.shape == (16, 3, 40, 40)
    assert torch.equal(once, again)
    assert once.min() >= 0 and once.max() <= 1
    assert (once[:, :, 20, 20] > 0.4).all(), "a crop keeps the middle"
    assert not torch.equal(once[0], once[1])


def test_strong_augmentation_keeps_the_corners() -> None:
    """An item at the edge may leave the image now and then, but most of the bin stays visible."""
    pixels = np.zeros((64, 60, 60, 3), np.uint8)
    pixels[:, 8:14, 8:14] = pixels[:, 8:14, 46:52] = pixels[:, 46:52, 8:14] = pixels[:, 46:52, 46:52] = 255
    seen = augment(to_batch(pixels), 60, "strong", seeded(1)).mean(1)
    quarters = [seen[:, :30, :30], seen[:, :30, 30:], seen[:, 30:, :30], seen[:, 30:, 30:]]

    assert all(float((quarter.amax((1, 2)) > 0.3).float().mean()) > 0.75 for quarter in quarters)


def test_none_only_resizes() -> None:
    assert torch.equal(augment(squares(), 48, "none", seeded(1)), squares())


def test_mixup_keeps_the_sum_of_targets_and_weighs_the_own_image_more() -> None:
    batch, targets = torch.eye(8)[:, :, None, None], torch.eye(8)
    mixed_images, blended = mixup(batch, targets, 0.4, seeded(2))

    assert torch.allclose(blended.sum(1), torch.ones(8))
    assert torch.allclose(mixed_images[:, :, 0, 0], blended), "image and target are blended by the same share"
    assert (blended.diagonal() >= 0.5).all()
    assert (blended.diagonal() < 1).any()


def test_without_mixup_the_batch_is_unchanged() -> None:
    batch, targets = squares(), torch.eye(16)

    assert mixup(batch, targets, 0.0, seeded(2)) == (batch, targets)
