"""Fine-tune the ResNet-50 on bin photographs.

    python training/train.py --data DIR --weights FILE --out .work/model     # about 40 minutes on two cores
    python training/train.py --data DIR --limit 200 --epochs 1 --size 64     # a try-out: about a minute

Writes `checkpoint.pt` after every epoch (and goes on from it), `network.safetensors` and `training.json` at the end.
`package.py` turns them into the artifact that serves. Under SageMaker the SM_* variables give the defaults.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from binlab.checkpoint import Checkpoint, History
from binlab.dataset import CLASSES, Photo, read_split
from binlab.loop import logits_of, train_one_epoch
from binlab.metrics import summary
from binlab.pixels import cached_pixels
from binlab.weights import finetuned_network, pretrained_network
from binmodel.artifact import SAFETENSORS
from binmodel.predict import softmax
from safetensors.torch import save_file
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR
from tqdm import tqdm

RECORD = "training.json"
RECIPE = ("epochs", "size", "batch", "rate", "decay", "to_neighbours", "seed")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    env = os.environ.get
    parser.add_argument("--data", type=Path, default=env("SM_CHANNEL_TRAIN"), help="folder with bin-images/, metadata/")
    parser.add_argument("--weights", type=Path, help="ImageNet ResNet-50, safetensors or .xz (default: torchvision's)")
    parser.add_argument("--start", type=Path, help="instead of --weights: go on from what another run wrote here")
    parser.add_argument("--out", type=Path, default=env("SM_MODEL_DIR", ".work/model"), help="(default: %(default)s)")
    parser.add_argument("--cache", type=Path, default=".work/cache", help="decoded photographs (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=6, help="(default: %(default)s)")
    parser.add_argument("--size", type=int, default=160, help="pixels a side (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=32, help="photographs a step (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=3e-4, help="peak learning rate (default: %(default)s)")
    parser.add_argument("--decay", type=float, default=0.05, help="weight decay (default: %(default)s)")
    parser.add_argument("--to-neighbours", type=float, default=0.2, help="share of n-1, n+1 (default: %(default)s)")
    parser.add_argument("--limit", type=int, help="train on this many photographs only")
    parser.add_argument("--seed", type=int, default=7, help="(default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("--data is needed: a folder with bin-images/ and metadata/ as in the public dataset")
    return options


def labelled(photos: list[Photo], size: int, cache: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    pixels = cached_pixels(photos, size, cache, lambda items: tqdm(items, f"decode {name}", unit="photo"))
    return pixels, np.array([CLASSES.index(photo.count) for photo in photos])


def optimiser_for(network: nn.Module, options: argparse.Namespace, steps: int) -> tuple[Optimizer, LRScheduler]:
    """AdamW with the fresh last layer learning five times as fast, on a one-cycle schedule (arXiv:1708.07120)."""
    head = set(network.fc.parameters())
    body = [parameter for parameter in network.parameters() if parameter not in head]
    groups = [{"params": body}, {"params": list(head)}]
    optimiser = torch.optim.AdamW(groups, lr=options.rate, weight_decay=options.decay)
    peaks = [options.rate, 5 * options.rate]
    return optimiser, OneCycleLR(optimiser, peaks, total_steps=steps, pct_start=0.25)


def log_prior(labels: np.ndarray) -> np.ndarray:
    """The log of each class's frequency. Subtracted from the logits, it makes them favour no count for being common.

    Logit adjustment (Menon et al., 2021, arXiv:2007.07314): the probabilities are then those of a stream in which every
    count is as likely as the others.
    """
    frequency = np.bincount(labels, minlength=len(CLASSES)) / len(labels)
    return np.asarray(np.log(np.maximum(frequency, 1e-3)), dtype=np.float32)


def shift_bias(network: nn.Module, shift: np.ndarray) -> None:
    with torch.no_grad():
        network.fc.bias += torch.from_numpy(shift).to(network.fc.bias.device)


def first_network(options: argparse.Namespace, prior: np.ndarray) -> nn.Module:
    if not options.start:
        return pretrained_network(len(CLASSES), options.weights)
    network = finetuned_network(len(CLASSES), options.start)
    shift_bias(network, prior)  # as it was before that run's end
    return network


def record(options: argparse.Namespace, history: History) -> dict[str, Any]:
    """What a reader needs to make the network again: the weights it came from, and the flags of each run."""
    earlier = json.loads((options.start / RECORD).read_text()) if options.start else {"recipe": [], "history": []}
    flags = " ".join(f"--{name.replace('_', '-')} {getattr(options, name)}" for name in RECIPE)
    return {
        "starting_weights": options.weights.name if options.weights else "torchvision's ResNet50_Weights.IMAGENET1K_V2",
        **earlier,
        "recipe": [*earlier["recipe"], flags],
        "history": [*earlier["history"], *history],
    }


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    split = {side: photos[: options.limit] for side, photos in read_split(options.data).items()}
    pixels, labels = labelled(split["train"], round(options.size * 1.2), options.cache, "train")
    unseen, truth = labelled(split["validation"], options.size, options.cache, "validation")
    prior = log_prior(labels)

    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = first_network(options, prior).to(device, memory_format=torch.channels_last)
    optimiser, schedule = optimiser_for(network, options, options.epochs * -(-len(labels) // options.batch))
    generator = torch.Generator().manual_seed(options.seed)
    checkpoint = Checkpoint(options.out / "checkpoint.pt", network, optimiser, schedule, generator)
    history = checkpoint.restore()

    for epoch in range(len(history) + 1, options.epochs + 1):
        started = time.monotonic()
        loss = train_one_epoch(
            network, pixels, labels, size=options.size, batch_size=options.batch, optimiser=optimiser,
            schedule=schedule, generator=generator, to_neighbours=options.to_neighbours,
            progress=lambda steps, epoch=epoch: tqdm(steps, f"epoch {epoch}/{options.epochs}", mininterval=20),
        )  # fmt: skip
        figures = summary(softmax(logits_of(network, unseen) - prior), np.array(CLASSES)[truth], CLASSES)
        history.append({"epoch": epoch, "loss": loss, "seconds": time.monotonic() - started, **figures})
        print(json.dumps({key: round(value, 4) for key, value in history[-1].items()}), flush=True)
        checkpoint.save(history)

    shift_bias(network, -prior)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, options.out / SAFETENSORS)
    (options.out / RECORD).write_text(json.dumps(record(options, history), indent=2) + "\n")


if __name__ == "__main__":
    main()
