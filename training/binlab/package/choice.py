"""What serves, out of several candidates: the size of the input, and how the network becomes int8."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from binmodel.backends import onnx_session
from binmodel.predict import softmax
from torch import nn
from tqdm import tqdm

from binlab.data.dataset import Photo
from binlab.package.export import export_onnx, logits_with, quantise
from binlab.package.fitted import Counts, Outputs, fit_temperature, known_to, log_loss, photograph_weights
from binlab.train.pixels import cached_pixels

Logits = npt.NDArray[np.float32]

SIZE_TOLERANCE = 0.005  # log loss; a smaller network that is this close to the best is taken, for its speed
KEEP_TOLERANCE = 1.1  # times the least divergence; all int8 is taken where it is this close, for its speed


@dataclass(frozen=True)
class Trial:
    """The photographs that candidates are tried on, and `cache`, the folder of their pixels."""

    photos: Sequence[Photo]
    outputs: Outputs
    cache: Path

    @property
    def counts(self) -> Counts:
        return counts_of(self.photos)

    def logits(self, network: Path, size: int) -> Logits:
        """Of an ONNX file at that size, as `binmodel` would run it: float32 (N, outputs)."""
        pixels = cached_pixels(self.photos, size, self.cache)
        return logits_with(onnx_session(network, None), pixels, progress=lambda parts: tqdm(parts, network.stem))

    def loss(self, network: Path, size: int) -> float:
        """Log loss at the temperature that suits the network best, so that only its order of certainty is judged."""
        known = known_to(self.outputs, self.counts)
        logits, counts = self.logits(network, size)[known], self.counts[known]
        loss = log_loss(logits, counts, self.outputs, fit_temperature(logits, counts, self.outputs))
        return _said("validation_log_loss", network, loss)


def counts_of(photos: Sequence[Photo]) -> Counts:
    return np.array([photo.count for photo in photos])


def chosen_size(network: nn.Module, sizes: Sequence[int], trial: Trial, out: Path) -> int:
    """The smallest of the best serving sizes; the network as ONNX at that size is written to `out`."""
    candidates = {size: out.with_name(f"float-{size}.onnx") for size in sizes}
    for size, path in candidates.items():
        export_onnx(network, size, path)
    losses = {size: trial.loss(path, size) for size, path in candidates.items()}
    size = min(size for size, loss in losses.items() if loss <= min(losses.values()) + SIZE_TOLERANCE)
    candidates[size].rename(out)
    return size


def chosen_int8(
    source: Path,
    size: int,
    methods: Sequence[str],
    keeps: Sequence[str],
    learnt: Sequence[Photo],
    trial: Trial,
    out: Path,
) -> dict[str, Any]:
    """How the ONNX file `source` became int8, for `model.json`; the result is written to `out`.

    That which answers most like `source` is taken, by the divergence of its probabilities: accuracy moves with every
    photograph at a border, and hides what it loses on one side of it with what it gains on the other. First how the
    activations are calibrated on the photographs `learnt` is chosen, with the first of `keeps` left in float, then what
    is left in float.
    """
    pixels = cached_pixels(learnt, size, trial.cache)
    reference, weights = trial.logits(source, size), photograph_weights(trial.counts)
    found: dict[tuple[str, str], float] = {}

    def candidate(method: str, keep: str) -> Path:
        return out.with_name(f"int8-{method}-{keep.replace(' ', '-')}.onnx")

    def tried(method: str, keep: str) -> float:
        if (method, keep) not in found:
            path = candidate(method, keep)
            quantise(source, path, pixels, method=method, keep=keep)
            apart = divergence(reference, trial.logits(path, size), weights)
            found[method, keep] = _said("divergence_from_float", path, apart)
        return found[method, keep]

    method = min(methods, key=lambda each: tried(each, keeps[0]))
    least = min(tried(method, keep) for keep in keeps)
    keep = next(keep for keep in keeps if tried(method, keep) <= KEEP_TOLERANCE * least)
    candidate(method, keep).rename(out)
    facts = {"method": method, "kept_float": keep, "photographs": len(learnt)}
    return {**facts, "divergence": round(found[method, keep], 5)}


def divergence(reference: Logits, other: Logits, weights: npt.NDArray[np.float64]) -> float:
    """Mean Kullback-Leibler divergence, in nats, of the probabilities of `other` (N, C) from those of `reference`."""
    truth, guess = (np.maximum(softmax(logits), 1e-12) for logits in (reference, other))
    return float(weights @ (truth * np.log(truth / guess)).sum(1))


def _said(name: str, network: Path, value: float) -> float:
    print(json.dumps({"candidate": network.stem, name: round(value, 5)}), flush=True)
    return value
