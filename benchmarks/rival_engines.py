"""The engines that ours is compared with: torch as people usually run it, the same network in float32, and OpenVINO."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from binmodel.artifact import ONNX_INT8, Artifact
from binmodel.network import build_network
from binmodel.preprocess import MEAN, STD, Batch
from onnx import numpy_helper
from PIL import Image
from torch import nn

Run = Callable[[Batch], object]
Constants = dict[str, npt.NDArray[np.generic]]
SAMPLE_SIDE, SAMPLE_SIZE = 256, 224
SEED = 7


def eager_network(artifact: Artifact) -> nn.Module:
    """The network in torch. Its weights are random, which does not change its speed."""
    torch.manual_seed(SEED)
    return build_network(len(artifact.outputs), volume=artifact.volume is not None).eval()


def eager(network: nn.Module, kind: torch.dtype = torch.float32) -> Run:
    """Batches through the network with channels last."""
    network = network.to(kind, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def run(batch: Batch) -> object:
        with torch.inference_mode():
            pixels = torch.from_numpy(batch).to(kind, memory_format=torch.channels_last)
            return network(pixels).float().numpy()

    return run


def image_by_image(network: nn.Module) -> Callable[[Sequence[bytes]], object]:
    """JPEGs one after the other as in the public samples: torchvision's transforms for ImageNet at 224 pixels."""
    from torchvision import transforms

    steps = [transforms.Resize(SAMPLE_SIDE), transforms.CenterCrop(SAMPLE_SIZE), transforms.ToTensor()]
    transform = transforms.Compose([*steps, transforms.Normalize(MEAN, STD)])

    def run(files: Sequence[bytes]) -> object:
        with torch.no_grad():
            return [network(transform(Image.open(io.BytesIO(file)).convert("RGB"))[None]).argmax() for file in files]

    return run


def write_float(artifact: Artifact, target: Path) -> None:
    """Write the int8 file without int8: float32 weights of the same values, and activations that are not rounded.

    The file's activations are 8-bit numbers without a sign; where their zero is 0 they cut off what is negative, which
    takes a Relu here. The parent with its own weights is not shipped.
    """
    model = onnx.load(artifact.verified(ONNX_INT8))
    constants: Constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    rounded = {node.output[0]: node for node in model.graph.node if node.op_type == "QuantizeLinear"}
    nodes, added = [], []
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in rounded:
            source = rounded[node.input[0]]
            kind = "Identity" if constants[source.input[2]].any() else "Relu"
            nodes.append(onnx.helper.make_node(kind, [source.input[0]], [node.output[0]]))
        elif node.op_type == "DequantizeLinear":
            added.append(numpy_helper.from_array(dequantized(node, constants), node.output[0]))
        elif node.op_type != "QuantizeLinear":
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(added)
    onnx.save(model, target)


def dequantized(node: onnx.NodeProto, constants: Constants) -> npt.NDArray[np.float32]:
    """The float32 value of a constant that a DequantizeLinear node reads."""
    values, scale, zero = (constants[name].astype(np.float32) for name in node.input)
    axis = next((each.i for each in node.attribute if each.name == "axis"), 1)
    if scale.ndim:
        shape = [-1 if place == axis else 1 for place in range(values.ndim)]
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    return np.asarray((values - zero) * scale, dtype=np.float32)


def openvino_batches(artifact: Artifact) -> Callable[[Sequence[Batch]], object]:
    """All batches through OpenVINO with its own settings for throughput. Raises ImportError if it is not installed."""
    import openvino

    compiled = openvino.Core().compile_model(
        str(artifact.verified(ONNX_INT8)), "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"}
    )

    def run(batches: Sequence[Batch]) -> object:
        found: dict[int, object] = {}
        queue = openvino.AsyncInferQueue(compiled)
        queue.set_callback(lambda request, place: found.__setitem__(place, request.get_output_tensor(0).data.copy()))
        for place, batch in enumerate(batches):
            queue.start_async({0: batch}, place)
        queue.wait_all()
        return [found[place] for place in range(len(batches))]

    return run
