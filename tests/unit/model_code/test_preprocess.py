import numpy as np
import pytest
from binmodel.preprocess import MEAN, STD, normalise, squash
from PIL import Image

from tests.unit.model_code.sample_images import noise


def test_normalising_follows_the_formula_in_the_networks_layout() -> None:
    pixels = np.stack([np.asarray(noise((8, 8), seed=seed)) for seed in (1, 2)])
    batch = normalise(pixels)

    assert (batch.shape, batch.dtype, batch.flags["C_CONTIGUOUS"]) == ((2, 3, 8, 8), np.dtype(np.float32), True)
    expected = (pixels[1, 5, 3].astype(float) / 255 - MEAN) / STD
    assert batch[1, :, 5, 3] == pytest.approx(expected, abs=1e-5)


def test_squashing_fills_the_square_with_the_whole_image() -> None:
    halves = Image.new("RGB", (600, 100), "black")
    halves.paste("white", (300, 0, 600, 100))
    pixels = squash(halves, 20)

    assert (pixels.shape, pixels.dtype) == ((20, 20, 3), np.dtype(np.uint8))
    assert pixels[:, :8].max() == 0
    assert pixels[:, 12:].min() == 255
