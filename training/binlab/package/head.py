"""The volume as one more output of an ONNX file: a linear function of the network's pooled features, in float32.

The output reads the features before they are quantised for the last layer, and no other node changes, so the counts
stay the same bit for bit; `same_logits` checks it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from binmodel.network import FEATURES
from onnx import ModelProto, TensorProto, helper, numpy_helper

Floats = npt.NDArray[np.float64]
Weights = dict[str, torch.Tensor]
OUTPUT = "log_litres"
_QUANTIZATION = ("QuantizeLinear", "DequantizeLinear")


@dataclass(frozen=True)
class Head:
    """log litres = features @ `weights` (2048,) + `bias`."""

    weights: Floats
    bias: float

    def __call__(self, features: npt.NDArray[np.floating]) -> Floats:
        """Log litres (N,) for features (N, 2048)."""
        return np.asarray(features @ self.weights + self.bias, float)


def expose_features(source: Path, target: Path) -> None:
    """Write the ONNX file `source` with its pooled features (N, 2048) as one more output."""
    model = onnx.load(source)
    _add_output(model, _pooled(model), FEATURES)
    onnx.save(model, target)


def add_head(source: Path, target: Path, head: Head) -> None:
    """Write the ONNX file `source` with the output `log_litres` (N, 1)."""
    model = onnx.load(source)
    pooled = _pooled(model)
    names = (f"{OUTPUT}.weight", f"{OUTPUT}.bias")
    values = (head.weights[:, None], np.array([head.bias]))
    tensors = [numpy_helper.from_array(each.astype(np.float32), name) for each, name in zip(values, names, strict=True)]
    model.graph.initializer.extend(tensors)
    model.graph.node.append(helper.make_node("Gemm", [pooled, *names], [OUTPUT], name=OUTPUT))
    _add_output(model, OUTPUT, 1)
    onnx.checker.check_model(model)
    onnx.save(model, target)


def drop_head(source: Path, target: Path) -> None:
    """Write the ONNX file `source` without what `add_head` may have added."""
    model = onnx.load(source)
    for parts in (model.graph.node, model.graph.initializer, model.graph.output):
        for part in [each for each in parts if each.name.startswith(OUTPUT)]:
            parts.remove(part)
    onnx.save(model, target)


def same_logits(before: npt.NDArray[np.float32], after: npt.NDArray[np.float32]) -> None:
    """Raise ValueError unless the network with the head gives the logits without it, bit for bit."""
    if not np.array_equal(before, after[:, :-1]):
        raise ValueError("The volume output changed the counts: this ONNX Runtime fuses the last layers differently.")


def with_head(weights: Weights, head: Head) -> Weights:
    """The weights of a network with the head as its last output, for the torch backend."""
    row, bias = torch.from_numpy(head.weights).float()[None], torch.tensor([head.bias])
    return {
        **weights,
        "fc.weight": torch.cat([weights["fc.weight"], row]),
        "fc.bias": torch.cat([weights["fc.bias"], bias]),
    }


def without_head(weights: Weights) -> Weights:
    """The weights of a network without its last output, which is the head."""
    return {**weights, "fc.weight": weights["fc.weight"][:-1].clone(), "fc.bias": weights["fc.bias"][:-1].clone()}


def head_of(weights: Weights) -> Head:
    """The last output of a network."""
    return Head(weights["fc.weight"][-1].double().numpy(), float(weights["fc.bias"][-1]))


def _pooled(model: ModelProto) -> str:
    """The tensor that the last layer reads, before it is quantised."""
    makers = {output: node for node in model.graph.node for output in node.output}
    name: str = next(node for node in reversed(model.graph.node) if node.op_type == "Gemm").input[0]
    while name in makers and makers[name].op_type in _QUANTIZATION:
        name = makers[name].input[0]
    return name


def _add_output(model: ModelProto, name: str, width: int) -> None:
    batch = model.graph.input[0].type.tensor_type.shape.dim[0].dim_param
    model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, width]))
