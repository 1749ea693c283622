"""Small images, and a model that reads the count from their brightness."""

import io
from pathlib import Path

import numpy as np
from binmodel.artifact import Artifact
from binmodel.predict import Predictor
from PIL import Image

CLASSES = (1, 2, 3, 4, 5)


def grey_image(count: int) -> Image.Image:
    """An image whose brightness means `count` items to `brightness_predictor`."""
    return Image.new("RGB", (64, 48), (count * 40,) * 3)


def jpeg(count: int) -> bytes:
    file = io.BytesIO()
    grey_image(count).save(file, format="JPEG")
    return file.getvalue()


def write_jpegs(folder: Path, counts: dict[str, int]) -> None:
    for name, count in counts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(jpeg(count))


def brightness_predictor() -> Predictor:
    artifact = Artifact(
        folder=Path(),
        architecture="brightness",
        classes=CLASSES,
        outputs=CLASSES,
        input_size=32,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        temperature=1.0,
        version="0",
        weights={},
        data={},
        metrics={},
        licence="",
    )
    return Predictor(artifact, lambda batch: _logits(batch.mean(axis=(1, 2, 3)) * 255 / 40))


def _logits(counts: np.ndarray) -> np.ndarray:
    return (-10 * np.abs(counts[:, None] - np.asarray(CLASSES)[None, :])).astype(np.float32)
