"""How fast an epoch of the recipe `best` is, compared with the plain loop of torchvision's classification reference.

    python benchmarks/train_epoch.py --data DIR                    # 512 photos at 160 px: about two minutes
    python benchmarks/train_epoch.py --data DIR --limit 64 --json

Baseline `reference`: what pytorch/vision's references/classification/train.py does by default on a CPU. It decodes the
JPEGs in every epoch in a DataLoader with a worker for each core, then RandomResizedCrop, mirror, float32, SGD. Ours
decodes once (`decode_once_seconds`, outside the epoch), computes in bfloat16 where the processor has it, with channels
last, and augments more.
Both take turns in `--rounds`; the best round of each counts, because the machine may be busy.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from binlab.data.dataset import CLASSES, LabelledImage, read_split
from binlab.train.loop import train_one_epoch
from binlab.train.network import labels_of
from binlab.train.pixels import cached_pixels
from binlab.train.recipe import RECIPES, Stage
from binlab.train.state import train_state
from binmodel.network import build_network
from interleaved import interleaved, seconds
from PIL import Image
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with bin-images/ and metadata/")
    parser.add_argument("--limit", type=int, default=512, help="photos (default: %(default)s)")
    parser.add_argument("--size", type=int, default=160, help="pixels a side (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=32, help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


class Files(Dataset[tuple[torch.Tensor, int]]):
    """Decodes an image when it is requested, as torchvision's ImageFolder does."""

    def __init__(self, images: list[LabelledImage], size: int) -> None:
        from torchvision.transforms import v2

        self.images = images
        self.transform = v2.Compose([
            v2.PILToTensor(), v2.RandomResizedCrop(size, antialias=True), v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float, scale=True), v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ])  # fmt: skip

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        with Image.open(self.images[index].path) as image:
            return self.transform(image.convert("RGB")), CLASSES.index(self.images[index].count)


def reference(images: list[LabelledImage], size: int, batch: int) -> Callable[[], object]:
    network = build_network(len(CLASSES)).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    loader = DataLoader(Files(images, size), batch, shuffle=True, num_workers=os.cpu_count() or 1, drop_last=True)

    def epoch() -> None:
        for batch_images, labels in loader:
            loss = functional.cross_entropy(network(batch_images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


def ours(images: list[LabelledImage], size: int, batch: int, cache: Path) -> Callable[[], object]:
    recipe = replace(RECIPES["best"], stages=(Stage(1000, size),), batch=batch)
    pixels = cached_pixels(images, round(1.2 * size), cache)
    labels = labels_of((image.count for image in images), CLASSES)
    state = train_state(build_network(len(CLASSES)), recipe, len(images))
    return lambda: train_one_epoch(state, pixels, labels, recipe, epoch=1, outputs=len(CLASSES))


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    images = read_split(options.data)["train"][: options.limit]
    torch.manual_seed(7)
    with TemporaryDirectory() as cache:
        decoding = seconds(lambda: cached_pixels(images, round(1.2 * options.size), Path(cache)))
        ways = {
            "reference": reference(images, options.size, options.batch),
            "ours": ours(images, options.size, options.batch, Path(cache)),
        }
        times = interleaved(ways, options.rounds)
    speeds = {name: len(images) / min(times_of[name] for times_of in times) for name in ways}
    found = {
        "images_per_second": {name: round(speed, 1) for name, speed in speeds.items()},
        "ratio": round(speeds["ours"] / speeds["reference"], 2),
        "ratio_of_each_round": [round(times_of["reference"] / times_of["ours"], 2) for times_of in times],
        "decode_once_seconds": round(decoding, 1),
    }
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:24} {value}")


if __name__ == "__main__":
    main()
