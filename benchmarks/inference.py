"""Section `inference`: photos to counts, ours against torch and other engines, and what int8 costs in accuracy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from binmodel.artifact import Artifact, load_artifact, shipped
from binmodel.backends import onnx_session
from binmodel.images import decode
from binmodel.predict import Predictor, counted, softmax
from binmodel.preprocess import Batch, Pixels, normalise, squash
from binmodel.stream import predict_stream

from benchmarks.interleaved import seconds
from benchmarks.measure import NOT_INSTALLED, Options, Row, Work, compared, installed, rates, rounded, spread
from benchmarks.rival_engines import (
    SAMPLE_SIZE,
    eager,
    eager_network,
    image_by_image,
    openvino_batches,
    write_float,
)

PHOTOS = 96
BATCHES = (8, 16, 32)  # torch gets the fastest of these
BATCH = 8  # ours: what the server uses
TEST_PHOTOS = 1002
OURS = "ONNX Runtime int8 (ours)"
SAMPLES = f"torch eager, one photo at a time, {SAMPLE_SIZE} px"
EAGER = f"torch eager, channels last, {SAMPLE_SIZE} px"
OPENVINO = "OpenVINO int8"


def run(options: Options) -> dict[str, Any]:
    """Speeds from JPEG files and from pixels, and accuracy."""
    artifact = load_artifact(shipped())
    files = [photo.path.read_bytes() for photo in options.some(PHOTOS)]
    with TemporaryDirectory() as scratch:
        float_file = Path(scratch) / "float.onnx"
        write_float(artifact, float_file)
        return {
            "photos": len(files),
            "size": artifact.input_size,
            "from_jpeg": from_jpeg(artifact, files, options.repeats),
            **from_pixels(artifact, float_file, files, options.repeats),
            "accuracy": accuracy(artifact, float_file, options),
        }


def from_jpeg(artifact: Artifact, files: Sequence[bytes], repeats: int) -> list[Row]:
    """Images/s from the bytes of JPEGs to counts, against the way of the public samples."""
    predictor, one_by_one = Predictor.load(shipped()), image_by_image(eager_network(artifact))
    ways: dict[str, tuple[int, Work]] = {
        SAMPLES: (len(files), lambda: one_by_one(files)),
        f"{OURS}, stream, {artifact.input_size} px": (
            len(files),
            lambda: list(predict_stream(predictor, files, bytes, batch=BATCH)),
        ),
    }
    return compared(rates(ways, repeats), SAMPLES, "photos/s")


def from_pixels(artifact: Artifact, float_file: Path, files: Sequence[bytes], repeats: int) -> dict[str, Any]:
    """Images/s from pixels that are ready, against torch eager with channels last at 224 pixels."""
    size, network = artifact.input_size, eager_network(artifact)
    small, large = pixels_of(files, size), pixels_of(files, SAMPLE_SIZE)
    predictor = Predictor.load(shipped())
    run_float = onnx_session(float_file, 1)
    run_eager = eager(network)
    run_bf16 = eager(eager_network(artifact), torch.bfloat16)
    sizes = {
        EAGER: fastest(run_eager, large),
        f"torch eager, channels last, {size} px": fastest(run_eager, small),
        f"torch eager, channels last, bfloat16, {size} px": fastest(run_bf16, small),
    }
    engines = dict(zip(sizes, [(run_eager, large), (run_eager, small), (run_bf16, small)], strict=True))
    works: dict[str, Work] = {
        name: partial(in_batches, run, pixels, sizes[name]) for name, (run, pixels) in engines.items()
    }
    works[f"ONNX Runtime float32, {size} px"] = partial(
        at_once, lambda pixels: run_float(normalise(pixels)), small, predictor.concurrency
    )
    works[f"{OURS}, {size} px"] = partial(pixels_only, predictor, small)
    if installed("openvino") != NOT_INSTALLED:
        run_openvino = openvino_batches(artifact)
        works[f"{OPENVINO}, {size} px"] = lambda: run_openvino([normalise(each) for each in batched(small, BATCH)])
    ways = {name: (len(files), work) for name, work in works.items()}
    measured = rates(ways, repeats)
    mine = next(found for name, found in measured.items() if name.startswith(OURS))
    return {
        "from_pixels": compared(measured, EAGER, "photos/s"),
        "ours_against": {
            name: spread(a / b for a, b in zip(mine, found, strict=True))
            for name, found in measured.items()
            if not name.startswith(OURS)
        },
        "batch": sizes,
        "openvino": installed("openvino"),
    }


def pixels_of(files: Sequence[bytes], size: int) -> Pixels:
    return np.stack([squash(decode(file, side=size), size) for file in files])


def batched(pixels: Pixels, size: int) -> Iterator[Pixels]:
    return (pixels[at : at + size] for at in range(0, len(pixels), size))


def in_batches(run: Callable[[Batch], object], pixels: Pixels, size: int) -> object:
    return [run(normalise(batch)) for batch in batched(pixels, size)]


def at_once(run: Callable[[Pixels], object], pixels: Pixels, concurrency: int) -> list[Any]:
    """Several batches at the same time, as the server counts them."""
    with ThreadPoolExecutor(concurrency) as pool:
        return list(pool.map(run, batched(pixels, BATCH)))


def pixels_only(predictor: Predictor, pixels: Pixels) -> list[Any]:
    """The model alone on decoded pixels; nothing that decodes can be faster."""
    return at_once(predictor.predict, pixels, predictor.concurrency)


def fastest(run: Callable[[Batch], object], pixels: Pixels) -> int:
    """The batch size of BATCHES with the most images/s, the better of two tries."""
    sizes = [size for size in BATCHES if size <= len(pixels)] or [len(pixels)]
    in_batches(run, pixels[: sizes[0]], sizes[0])
    return min(sizes, key=lambda size: min(seconds(lambda: in_batches(run, pixels, size)) for _ in range(2)))


def accuracy(artifact: Artifact, float_file: Path, options: Options) -> dict[str, Any]:
    """Counts of the int8 file against those of the same network without int8; against labels where there are any."""
    photos, kind = test_photos(artifact, options)
    pixels = pixels_of([path.read_bytes() for path, _ in photos], artifact.input_size)
    labels = np.array([label if label is not None else -1 for _, label in photos])
    predictor, run = Predictor.load(shipped()), onnx_session(float_file, 1)
    found = [one for batch in pixels_only(predictor, pixels) for one in batch]
    int8 = np.array([one.at_least if one.count is None else one.count for one in found])
    logits = np.concatenate(at_once(lambda each: run(normalise(each)), pixels, predictor.concurrency))
    float32 = counts_of(artifact, logits)
    known = labels >= 0
    right = {"int8": int8, "float32": float32} if known.any() else {}
    return {
        "photos": len(photos),
        "of": kind,
        "agreement": rounded(float((int8 == float32).mean()), 4),
        "correct": {name: rounded(float((each == labels)[known].mean()), 4) for name, each in right.items()},
        "recorded": recorded(artifact),
    }


def counts_of(artifact: Artifact, columns: Any) -> Any:
    """The counts (N,) of the network's columns (N, outputs or one more), as the predictor decides them."""
    logits = columns[:, : len(artifact.outputs)] + (np.asarray(artifact.biases) if artifact.biases else 0)
    return np.array(artifact.outputs)[counted(softmax(logits, artifact.temperature))]


def recorded(artifact: Artifact) -> dict[str, float]:
    """Shares of test photos that were counted right when the model was packaged, each count with the same weight."""
    metrics = artifact.metrics
    return {name: metrics[name]["test"]["balanced_accuracy"] for name in ("int8", "float") if name in metrics}


def test_photos(artifact: Artifact, options: Options) -> tuple[list[tuple[Path, int | None]], str]:
    """Photos in range that the model has not learned from, where the dataset is there; else the photos at hand."""
    if options.dataset is None or options.quick:
        return [(photo.path, photo.label) for photo in options.some(PHOTOS)], options.origin
    from binlab.data.dataset import split_of_model

    test = split_of_model(options.dataset, artifact.data)["test"]
    inside = [(image.path, image.count) for image in test if image.count in artifact.classes]
    return inside[:TEST_PHOTOS], "test photos that the model has not learned from"
