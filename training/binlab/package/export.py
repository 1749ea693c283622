"""The trained network as ONNX, and that as int8."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from binmodel.backends import Run
from binmodel.preprocess import Pixels, normalise
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from binlab.train.loop import Logits, Progress, batches

# How the range of each activation is found. That of "minmax-average" follows the extremes with a weight of 1% for each
# new batch, which leaves out the odd outlier.
METHODS: dict[str, tuple[CalibrationMethod, dict[str, Any]]] = {
    "minmax": (CalibrationMethod.MinMax, {}),
    "minmax-average": (CalibrationMethod.MinMax, {"CalibMovingAverage": True}),
    "percentile": (CalibrationMethod.Percentile, {"CalibPercentile": 99.99}),
    "entropy": (CalibrationMethod.Entropy, {}),
}
# What may stay in float: the first convolution, which sees the bare pixels, and the last layer, which gives the logits.
KEEPS: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "last": ("Gemm",),
    "first": ("Conv",),
    "first and last": ("Conv", "Gemm"),
}


def export_onnx(network: nn.Module, size: int, path: Path) -> None:
    """Write `network` as float32 ONNX: input `pixels` (N, 3, size, size), output `logits` (N, outputs), any N."""
    example = torch.zeros(2, 3, size, size)
    torch.onnx.export(
        network.eval().float().cpu(), (example,), path, dynamo=True, external_data=False, verbose=False,
        input_names=["pixels"], output_names=["logits"], dynamic_shapes=({0: torch.export.Dim("batch")},),
    )  # fmt: skip


def quantise(source: Path, target: Path, pixels: Pixels, *, method: str, keep: str = "nothing", batch: int = 8) -> None:
    """Write the ONNX file `source` as int8 (QDQ, weights for each channel), activations calibrated on `pixels`.

    `method` is one of METHODS, and `keep`, what stays in float, one of KEEPS.
    """
    calibration, extra = METHODS[method]
    with TemporaryDirectory() as folder:
        folded = Path(folder) / "folded.onnx"
        quant_pre_process(str(source), str(folded))
        quantize_static(
            str(folded), str(target), _Reader(pixels, batch), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=calibration,
            nodes_to_exclude=_ends(folded, KEEPS[keep]),
            # A batch at a time: else the activations of all photographs are held at once.
            extra_options={"CalibStridedMinMax": 1, **extra},
        )  # fmt: skip
    _forget_origin(target)


def _ends(path: Path, kinds: tuple[str, ...]) -> list[str]:
    """The names of the first convolution and of the last (and only) Gemm, of those kinds that are asked for."""
    nodes = onnx.load(path, load_external_data=False).graph.node
    return [next(node.name for node in nodes if node.op_type == kind) for kind in kinds]


def _forget_origin(path: Path) -> None:
    """Remove what the exporter notes of each node: stack traces, with the paths of the machine it ran on."""
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
        chosen = next(self._next, None)
        return None if chosen is None else {"pixels": normalise(self._pixels[chosen])}


def logits_with(run: Run, pixels: Pixels, *, batch: int = 16, progress: Progress = iter) -> Logits:
    """Float32 (N, outputs) of a backend for uint8 pixels (N, S, S, 3)."""
    chosen = progress(list(batches(np.arange(len(pixels)), batch)))
    return np.concatenate([run(normalise(pixels[part])) for part in chosen])
