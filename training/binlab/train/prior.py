"""The labels as output indices, and what their frequencies do to a network."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from binlab.data.dataset import CLASSES, EMPTY, FULLER

OUTSIDE = (EMPTY, *CLASSES, FULLER)


def outputs_of(outside: bool) -> tuple[int, ...]:
    """The count that each output of the network stands for; FULLER stands for itself and all above."""
    return OUTSIDE if outside else CLASSES


def alone_in(outputs: tuple[int, ...]) -> tuple[int, ...]:
    """The indices of the outputs that stand for what is out of range."""
    return tuple(index for index, count in enumerate(outputs) if count not in CLASSES)


def labels_of(counts: Iterable[int], outputs: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """The index (N,) of the output that stands for each count, or for the nearest count that one stands for."""
    return np.clip(np.fromiter(counts, np.int64), outputs[0], outputs[-1]) - outputs[0]


def balance(labels: npt.NDArray[np.int64], outputs: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """What to add to the logits (C,) so that no class is favoured for being common in training.

    Logit adjustment (Menon et al., 2021, arXiv:2007.07314): the probabilities are then those of a stream in which each
    class is as likely as the others. Empty and fuller bins stay as likely, against all classes together, as they were.
    """
    frequency = np.maximum(np.bincount(labels, minlength=len(outputs)) / len(labels), 1e-3)
    inside = np.isin(outputs, CLASSES)
    level = frequency[inside].mean()
    return np.where(inside, np.log(level / frequency), 0.0).astype(np.float32)


def shift_bias(network: nn.Module, shift: npt.NDArray[np.float32]) -> None:
    with torch.no_grad():
        bias = network.get_parameter("fc.bias")
        bias.add_(torch.from_numpy(shift).to(bias.device))
