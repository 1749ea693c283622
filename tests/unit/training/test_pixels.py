from pathlib import Path

import numpy as np
import pytest
from binlab.data.dataset import read_photos
from binlab.train.pixels import cached_pixels, normalised, to_batch
from binmodel.images import decode
from binmodel.preprocess import normalise, squash

from tests.unit.training.bins import write_bin


def photographs(root: Path, count: int = 4) -> list:
    for number in range(count):
        write_bin(root, 10 * number, 1 + number % 5)
    return read_photos(root)


def test_training_sees_what_serving_sees() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 24, 24, 3), dtype=np.uint8)

    assert abs(normalised(to_batch(pixels)).numpy() - normalise(pixels)).max() < 1e-5


def test_cached_photographs_are_those_that_serving_decodes_and_are_decoded_once(tmp_path: Path) -> None:
    photos = photographs(tmp_path / "data")
    first = cached_pixels(photos, 24, tmp_path / "cache")
    again = cached_pixels(photos, 24, tmp_path / "cache", lambda _: pytest.fail("decoded twice"))

    assert np.array_equal(first, again)
    assert np.array_equal(first[2], squash(decode(photos[2].path.read_bytes(), side=24), 24))
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".npy"]


def test_another_size_or_other_photographs_are_another_cache(tmp_path: Path) -> None:
    photos = photographs(tmp_path / "data")

    assert cached_pixels(photos, 24, tmp_path / "cache").shape == (4, 24, 24, 3)
    assert cached_pixels(photos, 32, tmp_path / "cache").shape == (4, 32, 32, 3)
    assert cached_pixels(photos[1:], 24, tmp_path / "cache").shape == (3, 24, 24, 3)
