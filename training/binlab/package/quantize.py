"""The trained network as ONNX and as int8, and which input size and int8 variant serve: the closest to float wins."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from binmodel.backends import Run, onnx_session
from binmodel.predict import softmax
from binmodel.preprocess import Pixels, normalise
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn
from tqdm import tqdm

from binlab.data.dataset import LabelledImage
from binlab.package.calibration import Counts, Outputs, fit_temperature, image_weights, known_to, log_loss
from binlab.train.network import Logits
from binlab.train.pixels import batches, cached_pixels

Progress = Callable[[Iterable[Any]], Iterable[Any]]

# How to find the range of each activation. "minmax-average" follows the extremes with a weight of 1% per batch,
# which ignores single outliers.
METHODS: dict[str, tuple[CalibrationMethod, dict[str, Any]]] = {
    "minmax": (CalibrationMethod.MinMax, {}),
    "minmax-average": (CalibrationMethod.MinMax, {"CalibMovingAverage": True}),
    "percentile": (CalibrationMethod.Percentile, {"CalibPercentile": 99.99}),
    "entropy": (CalibrationMethod.Entropy, {}),
}
# Layers that may stay in float: the first convolution, which sees the raw pixels, and the last layer, which gives the
# logits. Both are small, and usually suffer most from int8.
FLOAT_LAYERS: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "last": ("Gemm",),
    "first": ("Conv",),
    "first and last": ("Conv", "Gemm"),
}
SIZE_TOLERANCE = 0.005  # log loss: a smaller input this close to the best is chosen, for its speed
FLOAT_TOLERANCE = (
    1.1  # times the least divergence: a variant with fewer float layers this close is chosen, for its speed
)


def export_onnx(network: nn.Module, size: int, path: Path) -> None:
    """Write `network` as float32 ONNX: input `pixels` (N, 3, size, size), output `logits` (N, outputs), any N."""
    example = torch.zeros(2, 3, size, size)  # 2: the exporter treats a dimension of 1 as fixed
    torch.onnx.export(
        network.eval().float().cpu(), (example,), path, dynamo=True, external_data=False, verbose=False,
        input_names=["pixels"], output_names=["logits"], dynamic_shapes=({0: torch.export.Dim("batch")},),
    )  # fmt: skip


def quantize(
    source: Path, target: Path, pixels: Pixels, *, method: str, float_layers: str = "nothing", batch: int = 8
) -> None:
    """Write the ONNX file `source` as int8 (QDQ, weights per channel), activation ranges measured on `pixels`.

    `method` is a key of METHODS, `float_layers` one of FLOAT_LAYERS.
    """
    calibration, extra = METHODS[method]
    with TemporaryDirectory() as folder:
        folded = Path(folder) / "folded.onnx"
        quant_pre_process(str(source), str(folded))
        quantize_static(
            str(folded), str(target), _Reader(pixels, batch), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=calibration,
            nodes_to_exclude=_nodes(folded, FLOAT_LAYERS[float_layers]),
            # One batch at a time; the default holds the activations of all images in memory at once.
            extra_options={"CalibStridedMinMax": 1, **extra},
        )  # fmt: skip
    _drop_metadata(target)


def _nodes(path: Path, kinds: tuple[str, ...]) -> list[str]:
    """The name of the first node of each kind: the first convolution, or the only Gemm, which is the last layer."""
    nodes = onnx.load(path, load_external_data=False).graph.node
    return [next(node.name for node in nodes if node.op_type == kind) for kind in kinds]


def _drop_metadata(path: Path) -> None:
    """Remove the exporter's notes on each node: stack traces with file paths of the machine it ran on."""
    model = onnx.load(path)
    for part in (model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.save(model, path)


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, pixels: Pixels, size: int) -> None:
        self._pixels = pixels
        self._batches = list(batches(np.arange(len(pixels)), size))
        self._next = iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)

    def set_range(self, start_index: int, end_index: int) -> None:
        self._next = iter(self._batches[start_index:end_index])

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        indices = next(self._next, None)
        return None if indices is None else {"pixels": normalise(self._pixels[indices])}


def logits_with(run: Run, pixels: Pixels, *, batch: int = 16, progress: Progress = iter) -> Logits:
    """Float32 (N, outputs) of a serving backend for uint8 pixels (N, S, S, 3)."""
    parts = progress(list(batches(np.arange(len(pixels)), batch)))
    return np.concatenate([run(normalise(pixels[indices])) for indices in parts])


@dataclass(frozen=True)
class Trial:
    """The images that candidates are compared on, and `cache`, the folder of their pixels."""

    images: Sequence[LabelledImage]
    outputs: Outputs
    cache: Path

    @property
    def counts(self) -> Counts:
        return np.array([image.count for image in self.images])

    def logits(self, network: Path, size: int) -> Logits:
        """Logits of an ONNX file at that input size, computed as `binmodel` would: float32 (N, outputs)."""
        pixels = cached_pixels(self.images, size, self.cache)
        return logits_with(onnx_session(network, None), pixels, progress=lambda parts: tqdm(parts, network.stem))

    def loss(self, network: Path, size: int) -> float:
        """Log loss at the network's own best temperature: its confidence is calibrated later anyway."""
        known = known_to(self.outputs, self.counts)
        logits, counts = self.logits(network, size)[known], self.counts[known]
        loss = log_loss(logits, counts, self.outputs, fit_temperature(logits, counts, self.outputs))
        return _reported("validation_log_loss", network, loss)


def choose_size(network: nn.Module, sizes: Sequence[int], trial: Trial, out: Path) -> int:
    """The smallest input size that is about as good as the best. Writes the network at that size to `out`."""
    candidates = {size: out.with_name(f"float-{size}.onnx") for size in sizes}
    for size, path in candidates.items():
        export_onnx(network, size, path)
    losses = {size: trial.loss(path, size) for size, path in candidates.items()}
    size = min(size for size, loss in losses.items() if loss <= min(losses.values()) + SIZE_TOLERANCE)
    candidates[size].rename(out)
    return size


def choose_int8(
    source: Path,
    size: int,
    methods: Sequence[str],
    float_layers: Sequence[str],
    images: Sequence[LabelledImage],
    trial: Trial,
    out: Path,
) -> dict[str, Any]:
    """Write the int8 variant closest to the ONNX file `source` to `out`; how it was made, for model.json.

    Closest by divergence of the probabilities, not by accuracy: accuracy hides losses on one side of a decision border
    behind gains on the other. First choose the method, with the first of `float_layers`, then the float layers.
    Activation ranges are measured on `images`.
    """
    pixels = cached_pixels(images, size, trial.cache)
    reference, weights = trial.logits(source, size), image_weights(trial.counts)
    found: dict[tuple[str, str], float] = {}

    def candidate(method: str, layers: str) -> Path:
        return out.with_name(f"int8-{method}-{layers.replace(' ', '-')}.onnx")

    def tried(method: str, layers: str) -> float:
        if (method, layers) not in found:
            path = candidate(method, layers)
            quantize(source, path, pixels, method=method, float_layers=layers)
            distance = divergence(reference, trial.logits(path, size), weights)
            found[method, layers] = _reported("divergence_from_float", path, distance)
        return found[method, layers]

    method = min(methods, key=lambda each: tried(each, float_layers[0]))
    least = min(tried(method, layers) for layers in float_layers)
    layers = next(layers for layers in float_layers if tried(method, layers) <= FLOAT_TOLERANCE * least)
    candidate(method, layers).rename(out)
    facts = {"method": method, "float_layers": layers, "images": len(images)}
    return {**facts, "divergence": round(found[method, layers], 5)}


def divergence(reference: Logits, other: Logits, weights: npt.NDArray[np.float64]) -> float:
    """Mean Kullback-Leibler divergence, in nats, of the probabilities of `other` (N, C) from those of `reference`."""
    truth, guess = (np.maximum(softmax(logits), 1e-12) for logits in (reference, other))
    return float(weights @ (truth * np.log(truth / guess)).sum(1))


def _reported(name: str, network: Path, value: float) -> float:
    print(json.dumps({"candidate": network.stem, name: round(value, 5)}), flush=True)
    return value
