"""The volume's output in ONNX files and in torch weights: it is added and removed, and nothing else changes."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from binlab.package.head import (
    Head,
    add_head,
    drop_head,
    expose_features,
    head_of,
    same_logits,
    with_head,
    without_head,
)
from binmodel.backends import onnx_session
from binmodel.network import FEATURES
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(0)
HEAD = Head(RANDOM.normal(0, 0.02, FEATURES), 0.7)
BATCH = RANDOM.normal(0, 1, (5, FEATURES)).astype(np.float32)


@pytest.fixture
def quantised(tmp_path: Path) -> Path:
    """The end of a quantised network: features, quantised for a last layer with three outputs."""
    weights = {
        "scale": np.float32(0.02), "zero": np.uint8(0), "bias": np.zeros(3, np.float32),
        "weights": RANDOM.normal(0, 1, (3, FEATURES)).astype(np.float32),
    }  # fmt: skip
    nodes = [
        helper.make_node("Relu", ["pixels"], ["features"]),
        helper.make_node("QuantizeLinear", ["features", "scale", "zero"], ["small"]),
        helper.make_node("DequantizeLinear", ["small", "scale", "zero"], ["back"]),
        helper.make_node("Gemm", ["back", "weights", "bias"], ["logits"], transB=1),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])
        for name, size in (("pixels", FEATURES), ("logits", 3))
    ]
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "end", ends[:1], ends[1:], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, tmp_path / "plain.onnx")
    return tmp_path / "plain.onnx"


def test_the_output_reads_the_features_before_they_are_quantised(quantised: Path) -> None:
    expose_features(quantised, quantised.with_name("exposed.onnx"))
    add_head(quantised, quantised.with_name("headed.onnx"), HEAD)
    plain, exposed, headed = (
        onnx_session(quantised.with_name(f"{name}.onnx"), 1)(BATCH) for name in ("plain", "exposed", "headed")
    )

    assert np.array_equal(exposed, np.hstack([plain, np.maximum(BATCH, 0)]))
    assert headed[:, 3] == pytest.approx(HEAD(np.maximum(BATCH, 0)), abs=1e-4)
    same_logits(plain, headed)


def test_a_changed_count_is_an_error() -> None:
    logits = np.array([[1.0, 2.0]], np.float32)

    with pytest.raises(ValueError, match="changed the counts"):
        same_logits(logits, np.array([[1.0, np.nextafter(np.float32(2), np.float32(3)), 0.5]], np.float32))


def test_removing_the_output_gives_the_file_without_it(quantised: Path) -> None:
    headed, bare = quantised.with_name("headed.onnx"), quantised.with_name("bare.onnx")
    add_head(quantised, headed, HEAD)
    drop_head(headed, bare)

    assert onnx.load(bare) == onnx.load(quantised)


def test_the_torch_weights_have_it_as_their_last_output() -> None:
    counting = {"fc.weight": torch.rand(3, FEATURES), "fc.bias": torch.rand(3), "conv1.weight": torch.rand(2)}
    whole = with_head(counting, HEAD)

    assert head_of(whole).weights == pytest.approx(HEAD.weights, abs=1e-7)
    assert head_of(whole).bias == pytest.approx(HEAD.bias)
    assert all(torch.equal(value, counting[name]) for name, value in without_head(whole).items())
