"""The weights that fine-tuning starts from."""

from __future__ import annotations

import lzma
from pathlib import Path

import torch
from binmodel.artifact import SAFETENSORS
from binmodel.network import build_network
from torch import nn

RANDOM = "none"  # instead of a file of weights


def pretrained_network(outputs: int, weights: str | None, seed: int = 0) -> nn.Module:
    """The network with ImageNet weights and a fresh last layer, drawn by `seed`.

    `weights` is the path of a safetensors state dict of torchvision's ResNet-50 (`.xz` is unpacked), or RANDOM to start
    from nothing; None downloads torchvision's.
    """
    torch.manual_seed(seed)
    network = build_network(outputs)
    if weights == RANDOM:
        return network
    state = _read(Path(weights)) if weights else _download()
    backbone = {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}
    missing = network.load_state_dict(backbone, strict=False)
    if set(missing.missing_keys) != {"fc.weight", "fc.bias"} or missing.unexpected_keys:
        raise ValueError(f"{weights or 'the download'} is not a ResNet-50 of torchvision's shape: {missing}")
    return network


def finetuned_network(outputs: int, folder: Path) -> nn.Module:
    """The network that an earlier run of train.py wrote into `folder`, to go on with."""
    network = build_network(outputs)
    network.load_state_dict(_read(folder / SAFETENSORS))
    return network


def save_network(network: nn.Module, folder: Path) -> None:
    """Write `network.safetensors` into `folder`, for `finetuned_network` and package.py."""
    from safetensors.torch import save_file

    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, folder / SAFETENSORS)


def mean_weights(paths: list[Path]) -> dict[str, torch.Tensor]:
    """The mean of several networks' state dicts (model soup; Wortsman et al., 2022, arXiv:2203.05482).

    It is better than each where they were fine-tuned from one another, and means nothing where they were not.
    """
    states = [_read(path) for path in paths]
    return {
        name: torch.stack([state[name].float() for state in states]).mean(0).to(tensor.dtype)
        for name, tensor in states[0].items()
    }


def _read(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load

    return load(lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes())


def _download() -> dict[str, torch.Tensor]:
    from torchvision.models import ResNet50_Weights

    return dict(ResNet50_Weights.IMAGENET1K_V2.get_state_dict(progress=True))
