"""The network: torchvision's ResNet-50 with one output for each count, and one for the volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

FEATURES = 2048  # inputs of the last layer


def build_network(outputs: int, *, volume: bool = False) -> nn.Module:
    """A ResNet-50 with this number of outputs and random weights (He et al., 2015, arXiv:1512.03385).

    This is torchvision's variant, with the stride in the 3x3 convolution. Input: float32 (N, 3, S, S), normalised by
    `preprocess.normalise`. Output: float32 logits (N, outputs); with `volume`, (N, outputs + 1), the last the log
    litres.
    """
    _declare_missing_operators()
    from torch import nn
    from torchvision.models import resnet50

    network: nn.Module = resnet50(weights=None)
    network.fc = nn.Linear(FEATURES, outputs + volume)
    return network


def _declare_missing_operators() -> None:
    """Makes torchvision importable with a CPU-only torch.

    The PyPI wheel of torchvision is linked against CUDA. With a CPU build of torch its compiled operators do not load,
    and the import fails on the schema of two operators that a ResNet never calls.
    """
    import torch

    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name) and not torch.cuda.is_available():
            schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            torch.library.define(f"torchvision::{name}", schema)
