"""How fast an epoch of recipe `best` is, against the plain loop of torchvision's classification reference.

    python benchmarks/train_epoch.py --data DIR                    # 512 photographs at 160 px: about two minutes
    python benchmarks/train_epoch.py --data DIR --limit 64 --json

Baseline `reference`: what pytorch/vision's references/classification/train.py does with its defaults on a CPU: JPEGs
decoded each epoch in a DataLoader with a worker for each core, RandomResizedCrop, mirror, float32, SGD. Ours decodes
once (`decode once` says how long that takes, and counts in no epoch), computes in bfloat16 with channels last, and
varies and mixes more. Both take turns in `--rounds`; the best of each counts, because the machine may be busy.
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
from binlab.data.dataset import CLASSES, Photo, read_split
from binlab.train.learning import learner_for
from binlab.train.loop import train_one_epoch
from binlab.train.pixels import cached_pixels
from binlab.train.prior import labels_of
from binlab.train.recipe import RECIPES, Stage
from binmodel.network import build_network
from PIL import Image
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from turns import in_turns, seconds


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with bin-images/, metadata/")
    parser.add_argument("--limit", type=int, default=512, help="photographs (default: %(default)s)")
    parser.add_argument("--size", type=int, default=160, help="pixels a side (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=32, help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


class Files(Dataset[tuple[torch.Tensor, int]]):
    """Photographs decoded when they are asked for, as torchvision's ImageFolder does."""

    def __init__(self, photos: list[Photo], size: int) -> None:
        from torchvision.transforms import v2

        self.photos = photos
        self.transform = v2.Compose([
            v2.PILToTensor(), v2.RandomResizedCrop(size, antialias=True), v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float, scale=True), v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ])  # fmt: skip

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        with Image.open(self.photos[index].path) as image:
            return self.transform(image.convert("RGB")), CLASSES.index(self.photos[index].count)


def reference(photos: list[Photo], size: int, batch: int) -> Callable[[], object]:
    network = build_network(len(CLASSES)).train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    loader = DataLoader(Files(photos, size), batch, shuffle=True, num_workers=os.cpu_count() or 1, drop_last=True)

    def epoch() -> None:
        for pictures, labels in loader:
            loss = functional.cross_entropy(network(pictures), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    return epoch


def ours(photos: list[Photo], size: int, batch: int, cache: Path) -> Callable[[], object]:
    recipe = replace(RECIPES["best"], stages=(Stage(1000, size),), batch=batch)
    pixels = cached_pixels(photos, round(1.2 * size), cache)
    labels = labels_of((photo.count for photo in photos), CLASSES)
    learner = learner_for(build_network(len(CLASSES)), recipe, len(photos), 0, 1)
    return lambda: train_one_epoch(learner, pixels, labels, recipe, epoch=1, outputs=len(CLASSES))


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    photos = read_split(options.data)["train"][: options.limit]
    torch.manual_seed(7)
    with TemporaryDirectory() as cache:
        decoding = seconds(lambda: cached_pixels(photos, round(1.2 * options.size), Path(cache)))
        ways = {
            "reference": reference(photos, options.size, options.batch),
            "ours": ours(photos, options.size, options.batch, Path(cache)),
        }
        times = in_turns(ways, options.rounds)
    speeds = {name: len(photos) / min(times_of[name] for times_of in times) for name in ways}
    found = {
        "photographs_per_second": {name: round(speed, 1) for name, speed in speeds.items()},
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
