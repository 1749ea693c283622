"""What a training run is made of, and the recipes that have a name."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True)
class Stage:
    """`epochs` rounds over the training photographs with pictures of `size` x `size` pixels."""

    epochs: int
    size: int

    def __str__(self) -> str:
        return f"{self.epochs}x{self.size}"


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run but the data, the starting weights and the number of processes.

    `rate` is the peak learning rate of the body; the fresh last layer learns `head` times as fast. `to_neighbours` is
    the share of each target that goes to n - 1 and n + 1, `distil` the share that is a teacher's answer, where there is
    one; `mixup` the alpha of Beta(alpha, alpha) (0: off), `ema` the
    share that the averaged weights keep at each step (0: no average). With `outside`, empty and fuller bins are
    learnt from too, with an output of their own.
    """

    stages: tuple[Stage, ...]
    batch: int
    optimiser: str
    rate: float
    head: float
    schedule: str
    decay: float
    to_neighbours: float
    distil: float
    mixup: float
    augment: str
    ema: float
    outside: bool
    seed: int = 7

    @property
    def epochs(self) -> int:
        return sum(stage.epochs for stage in self.stages)

    def size_of(self, epoch: int) -> int:
        """The picture size of epoch 1..epochs."""
        for stage in self.stages:
            if epoch <= stage.epochs:
                return stage.size
            epoch -= stage.epochs
        raise ValueError(f"epoch {epoch} is after the last")

    def flags(self) -> str:
        """The flags of train.py that make this recipe, whatever a recipe's name may come to mean."""
        return " ".join(f"--{field.replace('_', '-')} {_text(value)}" for field, value in vars(self).items())


RECIPES = {
    # The recipe of the published attempts at this size: nothing but fine-tuning.
    "baseline": Recipe(
        stages=(Stage(10, 224),), batch=128, optimiser="adam", rate=1e-3, head=1.0, schedule="constant", decay=0.0,
        to_neighbours=0.0, distil=0.0, mixup=0.0, augment="none", ema=0.0, outside=False,
    ),
    "best": Recipe(
        stages=(Stage(6, 128), Stage(8, 176), Stage(3, 224)), batch=32, optimiser="adamw", rate=3e-4, head=5.0,
        schedule="one-cycle", decay=0.05, to_neighbours=0.2, distil=0.0, mixup=0.3, augment="strong", ema=0.998,
        outside=True,
    ),
}  # fmt: skip
CHOICES = {
    "optimiser": ("adam", "adamw"), "schedule": ("constant", "one-cycle"), "augment": ("none", "light", "strong"),
}  # fmt: skip
_HELP = {
    "stages": "epochs x pixels a side, one stage after the other: 8x128,4x176",
    "batch": "photographs a step, over all processes",
    "optimiser": "what moves the weights",
    "rate": "peak learning rate of the body",
    "head": "the last layer learns this many times as fast",
    "schedule": "one-cycle rises for a quarter of the steps, then falls to nothing",
    "decay": "weight decay",
    "to_neighbours": "share of each target that goes to n-1 and n+1",
    "distil": "share of each target that is the answer of --teacher",
    "mixup": "alpha of mixup; 0 is off",
    "augment": "how much pictures are varied",
    "ema": "share that the averaged weights keep at each step; 0 is off",
    "outside": "learn from empty and fuller bins too: yes or no",
    "seed": "of everything that is drawn",
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipe", choices=list(RECIPES), default="best", help="(default: %(default)s)")
    group = parser.add_argument_group("what the recipe says, if not said otherwise")
    for field in fields(Recipe):
        flag = f"--{field.name.replace('_', '-')}"
        group.add_argument(flag, type=_PARSERS[field.name], choices=CHOICES.get(field.name), help=_HELP[field.name])


def chosen(options: argparse.Namespace) -> Recipe:
    """The named recipe with what other flags say in its place."""
    said = {name: getattr(options, name) for name in vars(RECIPES[options.recipe])}
    return replace(RECIPES[options.recipe], **{name: value for name, value in said.items() if value is not None})


def stages(text: str) -> tuple[Stage, ...]:
    """From `8x128,4x176`. Raises argparse.ArgumentTypeError."""
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
    "stages": stages, "batch": int, "optimiser": str, "rate": float, "head": float, "schedule": str, "decay": float,
    "to_neighbours": float, "distil": float, "mixup": float, "augment": str, "ema": float, "outside": yes_or_no,
    "seed": int,
}  # fmt: skip
