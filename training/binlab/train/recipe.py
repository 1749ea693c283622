"""The settings of a training run, and the recipes that have a name."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True)
class Stage:
    """`epochs` passes over the training images at `size` x `size` pixels."""

    epochs: int
    size: int

    def __str__(self) -> str:
        return f"{self.epochs}x{self.size}"


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run except the data, the starting weights and the number of processes.

    `lr` is the peak learning rate of the body; the fresh last layer learns at `head_lr_mult` times that rate.
    `neighbour_smoothing` is the share of each target that goes to n - 1 and n + 1, `distil` the share that comes from a
    teacher, `mixup` the alpha of Beta(alpha, alpha), and `ema` the share that the averaged weights keep at each step;
    0 turns each of them off. `volume_weight` is the weight of the loss of the log litres, for which the network then
    has one more output. With `out_of_range` the run also learns from empty bins and bins over the range, each with
    an output of its own.
    """

    stages: tuple[Stage, ...]
    batch: int
    optimizer: str
    lr: float
    head_lr_mult: float
    schedule: str
    weight_decay: float
    neighbour_smoothing: float
    distil: float
    mixup: float
    augment: str
    ema: float
    out_of_range: bool
    volume_weight: float = 0.0
    seed: int = 7

    @property
    def epochs(self) -> int:
        return sum(stage.epochs for stage in self.stages)

    @property
    def has_volume(self) -> bool:
        return self.volume_weight > 0

    def size_of(self, epoch: int) -> int:
        """The image size of epoch 1..epochs."""
        for stage in self.stages:
            if epoch <= stage.epochs:
                return stage.size
            epoch -= stage.epochs
        raise ValueError(f"Epoch {epoch} is after the last one.")

    def flags(self) -> str:
        """The flags of train.py that rebuild this recipe, even if the named recipes change."""
        return " ".join(f"--{field.replace('_', '-')} {_text(value)}" for field, value in vars(self).items())


RECIPES = {
    # What the published attempts at this dataset size did: plain fine-tuning.
    "baseline": Recipe(
        stages=(Stage(10, 224),), batch=128, optimizer="adam", lr=1e-3, head_lr_mult=1.0, schedule="constant",
        weight_decay=0.0, neighbour_smoothing=0.0, distil=0.0, mixup=0.0, augment="none", ema=0.0, out_of_range=False,
    ),
    "best": Recipe(
        stages=(Stage(6, 128), Stage(8, 176), Stage(3, 224)), batch=32, optimizer="adamw", lr=3e-4, head_lr_mult=5.0,
        schedule="one-cycle", weight_decay=0.05, neighbour_smoothing=0.2, distil=0.0, mixup=0.3, augment="strong",
        ema=0.998, out_of_range=True,
    ),
}  # fmt: skip
CHOICES = {
    "optimizer": ("adam", "adamw"), "schedule": ("constant", "one-cycle"), "augment": ("none", "light", "strong"),
}  # fmt: skip
_HELP = {
    "stages": "epochs x pixels a side, one stage after the other: 8x128,4x176",
    "batch": "images in a step, over all processes",
    "optimizer": "Adam or AdamW",
    "lr": "peak learning rate of the body",
    "head_lr_mult": "learning rate of the last layer, as a multiple of --lr",
    "schedule": "one-cycle rises for a quarter of the steps, then falls to 0",
    "weight_decay": "weight decay",
    "neighbour_smoothing": "share of each target that goes to n-1 and n+1",
    "distil": "share of each target that comes from --teacher",
    "mixup": "alpha of mixup; 0 turns it off",
    "augment": "strength of augmentation",
    "ema": "share that the averaged weights keep at each step; 0 turns averaging off",
    "out_of_range": "also learn from empty bins and bins over the range: yes or no",
    "volume_weight": "weight of the loss of the volume, learned from records with sides; 0: no such output",
    "seed": "seed of everything random",
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipe", choices=list(RECIPES), default="best", help="(default: %(default)s)")
    group = parser.add_argument_group("settings of the recipe (default: as the recipe has them)")
    for field in fields(Recipe):
        flag = f"--{field.name.replace('_', '-')}"
        group.add_argument(flag, type=_PARSERS[field.name], choices=CHOICES.get(field.name), help=_HELP[field.name])


def recipe_from(options: argparse.Namespace) -> Recipe:
    """The recipe that --recipe names, with the flags that were given in place of its settings."""
    given = {name: getattr(options, name) for name in vars(RECIPES[options.recipe])}
    return replace(RECIPES[options.recipe], **{name: value for name, value in given.items() if value is not None})


def stages(text: str) -> tuple[Stage, ...]:
    """Parse `8x128,4x176`. Raises argparse.ArgumentTypeError."""
    try:
        return tuple(Stage(*map(int, part.split("x"))) for part in text.split(","))
    except (TypeError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 8x128,4x176 (epochs x pixels a side)") from error


def yes_or_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither yes nor no")
    return text == "yes"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


_PARSERS: dict[str, Callable[[str], Any]] = {
    "stages": stages, "batch": int, "optimizer": str, "lr": float, "head_lr_mult": float, "schedule": str,
    "weight_decay": float, "neighbour_smoothing": float, "distil": float, "mixup": float, "augment": str, "ema": float,
    "out_of_range": yes_or_no, "volume_weight": float, "seed": int,
}  # fmt: skip
