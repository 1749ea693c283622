"""The network: what its outputs stand for, the weights it starts from, the logits it gives, and its class balance."""

from __future__ import annotations

import lzma
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from binmodel.artifact import SAFETENSORS
from binmodel.network import build_network
from binmodel.predict import softmax
from binmodel.preprocess import Pixels
from torch import nn

from binlab.data.dataset import CLASSES, EMPTY, OVER_RANGE
from binlab.train.pixels import Indices, batches, normalised, to_batch

Logits = npt.NDArray[np.float32]
Probabilities = npt.NDArray[np.float32]

RANDOM = "none"  # in place of a weights file
BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")  # capabilities of a CPU, x86-64 and Arm, as torch names them
WITH_OUT_OF_RANGE = (EMPTY, *CLASSES, OVER_RANGE)


def outputs_of(out_of_range: bool) -> tuple[int, ...]:
    """The count that each output stands for; OVER_RANGE stands for itself and all above."""
    return WITH_OUT_OF_RANGE if out_of_range else CLASSES


def isolated_outputs(outputs: tuple[int, ...]) -> tuple[int, ...]:
    """The indices of the outputs out of range: their targets are not smoothed."""
    return tuple(index for index, count in enumerate(outputs) if count not in CLASSES)


def labels_of(counts: Iterable[int], outputs: tuple[int, ...]) -> Indices:
    """The index (N,) of the output for each count, or for the nearest count that has one."""
    return np.clip(np.fromiter(counts, np.int64), outputs[0], outputs[-1]) - outputs[0]


def logit_adjustment(labels: Indices, outputs: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """What to add to the logits (C,) to remove the class frequencies of the training data.

    Logit adjustment (Menon et al., 2021, arXiv:2007.07314). The probabilities are then those of a stream in which every
    class is equally likely. Bins out of range keep their frequency, relative to all classes together.
    """
    # At least 1e-3: an output without any image would otherwise get an infinite logit.
    frequency = np.maximum(np.bincount(labels, minlength=len(outputs)) / len(labels), 1e-3)
    inside = np.isin(outputs, CLASSES)
    level = frequency[inside].mean()
    return np.where(inside, np.log(level / frequency), 0.0).astype(np.float32)


def add_to_bias(network: nn.Module, adjustment: npt.NDArray[np.float32]) -> None:
    """Bake `adjustment` into the last layer, so that serving needs no extra step."""
    with torch.no_grad():
        bias = network.get_parameter("fc.bias")
        bias[: len(adjustment)].add_(torch.from_numpy(adjustment).to(bias.device))


def mixed_precision(device: torch.device) -> torch.autocast:
    """Compute in bfloat16 where the hardware has it, else in float32.

    A CPU without AVX-512 bf16 or AMX emulates bfloat16: a training step takes 7 to 16 times as long as in float32.
    """
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type != "cpu" or _cpu_has_bfloat16())


def _cpu_has_bfloat16() -> bool:
    # SageMaker's training image has a PyTorch that can't tell. AWS's current instances have bfloat16.
    if not hasattr(torch.cpu, "get_capabilities"):
        return True
    return any(torch.cpu.get_capabilities().get(name) for name in BFLOAT16)


@torch.inference_mode()
def logits_of(network: nn.Module, pixels: Pixels, *, batch_size: int = 64) -> Logits:
    """Float32 (N, outputs), with the log litres of a network that has them last, for uint8 pixels (N, S, S, 3)."""
    network.eval()
    device = next(network.parameters()).device
    parts = []
    for indices in batches(np.arange(len(pixels)), batch_size):
        batch = normalised(to_batch(pixels[indices])).to(device, memory_format=torch.channels_last)
        with mixed_precision(device):
            # float(): bfloat16 has 8 bits of mantissa, too few for a softmax, and NumPy has no bfloat16.
            parts.append(network(batch).float().cpu().numpy())
    return np.concatenate(parts)


def teacher_probabilities(folder: Path, pixels: Pixels, adjustment: npt.NDArray[np.float32]) -> Probabilities:
    """What the network in `folder` predicts for `pixels` (N, S, S, 3) and their mirror images, on average.

    A teacher (born-again networks; Furlanello et al., 2018, arXiv:1805.04770) is less sure of a wrong record than the
    record itself, so the student learns less of its error. The result is (N, outputs), without the `adjustment` that
    the teacher's run added to its bias at the end.
    """
    network = finetuned_network(len(adjustment), folder).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    views = [softmax(logits_of(network, view) - adjustment) for view in (pixels, pixels[:, :, ::-1])]
    return np.asarray(np.mean(views, axis=0), np.float32)


def pretrained_network(outputs: int, weights: str | None, seed: int = 0, *, volume: bool = False) -> nn.Module:
    """The network with ImageNet weights and a fresh last layer, initialised from `seed`.

    `weights` is a safetensors state dict of torchvision's ResNet-50 (`.xz` is decompressed), or RANDOM for random
    weights; None downloads torchvision's. Raises ValueError if the weights do not fit.
    """
    torch.manual_seed(seed)
    network = build_network(outputs, volume=volume)
    if weights == RANDOM:
        return network
    state = _read(Path(weights)) if weights else _download()
    backbone = {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}
    result = network.load_state_dict(backbone, strict=False)
    if set(result.missing_keys) != {"fc.weight", "fc.bias"} or result.unexpected_keys:
        raise ValueError(f"{weights or 'The download'} is not torchvision's ResNet-50: {result}")
    return network


def finetuned_network(outputs: int, folder: Path, *, volume: bool = False) -> nn.Module:
    """The network that an earlier run of train.py wrote to `folder`, with or without its output of the volume.

    That output is fresh if the earlier run had none.
    """
    network = build_network(outputs, volume=volume)
    state, fresh = _read(folder / SAFETENSORS), network.state_dict()
    if len(state["fc.bias"]) in (outputs, outputs + 1):
        for name in ("fc.weight", "fc.bias"):
            known = state[name][: outputs + volume]
            state[name] = torch.cat([known, fresh[name][len(known) :]])
    network.load_state_dict(state)
    return network


def save_network(network: nn.Module, folder: Path) -> None:
    """Write `network.safetensors` to `folder`, for `finetuned_network` and package.py."""
    from safetensors.torch import save_file

    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, folder / SAFETENSORS)


def mean_weights(paths: list[Path]) -> dict[str, torch.Tensor]:
    """The mean of several state dicts (model soup; Wortsman et al., 2022, arXiv:2203.05482).

    Only networks fine-tuned from one another may be averaged: the mean of unrelated weights is meaningless.
    """
    states = [_read(path) for path in paths]
    return {
        # In float32 and back: BatchNorm's num_batches_tracked is an integer, which mean() refuses.
        name: torch.stack([state[name].float() for state in states]).mean(0).to(tensor.dtype)
        for name, tensor in states[0].items()
    }


def _read(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load

    return load(lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes())


def _download() -> dict[str, torch.Tensor]:
    from torchvision.models import ResNet50_Weights

    return dict(ResNet50_Weights.IMAGENET1K_V2.get_state_dict(progress=True))
