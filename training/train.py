"""Fine-tune the ResNet-50 on photos of bins.

    python training/train.py --data DIR --weights FILE --out .work/model     # recipe `best`: about an hour on two cores
    python training/train.py --data DIR --weights FILE --teacher .work/model --distil 0.5 --out .work/student
    python training/train.py --data DIR --volume-weight 0.3                  # also learn the volume of the items
    python training/train.py --data DIR --final                              # the chosen recipe, on nearly all photos
    python training/train.py --data DIR --recipe baseline                    # what the published attempts did
    python training/train.py --data DIR --limit 200 --stages 1x64            # a quick try: about a minute
    torchrun --nproc-per-node 2 training/train.py --data DIR                 # several processes train one network

Reads a folder with bin-images/ and metadata/. Prints one line of JSON an epoch, and a warning if the run goes wrong.
Writes checkpoint.pt and curves.png (and TensorBoard logs) after every epoch, and at the end network.safetensors and
training.json, from which package.py makes the artifact. With --final, two thirds of the validation photos are trained
on too, and package.py calibrates on the third that is left. An interrupted run continues from its checkpoint. In a
SageMaker job the SM_* variables set the defaults.

Exit codes: 0 done; 2 bad usage, no photos, a checkpoint of another run, or a loss that is not finite.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np
from binlab.data.dataset import CLASSES, LabelledImage, read_split
from binlab.data.volumes import Floats, log_litres
from binlab.train.journal import Journal
from binlab.train.loop import EpochStats, Validator, train_one_epoch
from binlab.train.monitor import RULES
from binlab.train.network import (
    RANDOM,
    Probabilities,
    add_to_bias,
    finetuned_network,
    isolated_outputs,
    labels_of,
    logit_adjustment,
    outputs_of,
    pretrained_network,
    save_network,
    teacher_probabilities,
)
from binlab.train.pixels import Indices, cached_pixels
from binlab.train.recipe import Recipe, add_flags, recipe_from
from binlab.train.state import Checkpoint, CheckpointError, TrainState, from_rank_zero, process_group, train_state
from binmodel.preprocess import Pixels
from torch import nn
from tqdm import tqdm

MARGIN = 1.2  # images are kept this much larger than the size they are trained at, so that crops stay sharp


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    env = os.environ.get
    add = parser.add_argument
    add("--data", type=Path, default=env("SM_CHANNEL_TRAIN"), help="folder with bin-images/ and metadata/")
    add("--weights", help=f"ImageNet ResNet-50 as safetensors or .xz, or `{RANDOM}` (default: download torchvision's)")
    add("--start", type=Path, metavar="DIR", help="continue from the network of an earlier run, instead of --weights")
    add("--teacher", type=Path, metavar="DIR", help="network of an earlier run to learn from; see --distil")
    add("--out", type=Path, default=env("SM_MODEL_DIR", ".work/model"), help="(default: %(default)s)")
    add("--checkpoints", type=Path, metavar="DIR", help="folder of checkpoint.pt (default: --out)")
    add("--cache", type=Path, default=".work/cache", help="folder for decoded photos (default: %(default)s)")
    add(
        "--final", action="store_true", help="train on two thirds of the validation photos too, the recipe being chosen"
    )
    add("--limit", type=int, metavar="N", help="use at most N photos of each split")
    add(
        "--stop-on", nargs="+", choices=list(RULES), default=[], metavar="RULE",
        help=f"end the run on a warning of this rule: {', '.join(RULES)} (default: only warn)",
    )  # fmt: skip
    add_flags(parser)
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("--data is required: a folder with bin-images/ and metadata/, as in the public dataset")
    if bool(options.teacher) != bool(recipe_from(options).distil):
        parser.error("--teacher and --distil belong together: give both or none")
    return options


def read_images(options: argparse.Namespace, recipe: Recipe) -> dict[str, list[LabelledImage]]:
    """Images to train on, including those out of range if the recipe wants them, and images to validate on."""
    wanted = (lambda _: True) if recipe.out_of_range else CLASSES.__contains__
    split = read_split(options.data, lambda _: True, final=options.final)
    train = [image for image in split["train"] if wanted(image.count)]
    validation = [image for image in split["validation"] if image.count in CLASSES]
    return {"train": train[: options.limit], "validation": validation[: options.limit]}


def pixels_of(images: list[LabelledImage], size: int, cache: Path) -> Pixels:
    return cached_pixels(images, size, cache, lambda items: tqdm(items, f"decode at {size} px", unit="photo"))


def starting_network(options: argparse.Namespace, recipe: Recipe, validator: Validator) -> nn.Module:
    """The network of --start, or one with the weights of --weights."""
    if not options.start:
        return pretrained_network(len(validator.outputs), options.weights, recipe.seed, volume=recipe.has_volume)
    network = finetuned_network(len(validator.outputs), options.start, volume=recipe.has_volume)
    add_to_bias(network, -validator.logit_adjustment)  # undo what that run added when it ended
    return network


def read_teacher(
    options: argparse.Namespace, recipe: Recipe, images: list[LabelledImage], validator: Validator
) -> Probabilities | None:
    """The probabilities of --teacher, at the image size of the last epoch."""
    if not options.teacher:
        return None
    pixels = pixels_of(images, recipe.size_of(recipe.epochs), options.cache)
    return teacher_probabilities(options.teacher, pixels, validator.logit_adjustment)


def read_volumes(options: argparse.Namespace, recipe: Recipe, images: list[LabelledImage]) -> Floats | None:
    """The log litres of each image (N,), NaN where unknown. None for a recipe that does not learn them."""
    if not recipe.has_volume:
        return None
    found = log_litres(options.data, images)
    if not np.isfinite(found).any():
        raise FileNotFoundError(f"No record under {options.data} gives the sides of items. --volume-weight needs them.")
    return found


def train(options: argparse.Namespace, recipe: Recipe, rank: int, world_size: int) -> None:
    """Run the recipe, from the starting weights or the checkpoint. Only rank 0 writes."""
    outputs, images = outputs_of(recipe.out_of_range), read_images(options, recipe)
    labels = labels_of((image.count for image in images["train"]), outputs)
    validator = Validator(outputs, logit_adjustment(labels, outputs))
    network = starting_network(options, recipe, validator)
    teacher = read_teacher(options, recipe, images["train"], validator)
    volumes = read_volumes(options, recipe, images["train"])
    state = train_state(network, recipe, len(labels), rank, world_size)
    final = state.averaged.module if state.averaged else network
    flags = f"{recipe.flags()} --final" if options.final else recipe.flags()
    checkpoint = Checkpoint(options.checkpoints or options.out, network, state, flags)
    journal = Journal(options.out, checkpoint.restore(), writes=rank == 0)

    while journal.epochs < recipe.epochs and not from_rank_zero(journal.has_warned(options.stop_on)):
        size = recipe.size_of(journal.epochs + 1)
        pixels = pixels_of(images["train"], round(size * MARGIN), options.cache)
        unseen = pixels_of(images["validation"], size, options.cache)
        started = time.monotonic()
        stats = one_epoch(state, pixels, labels, teacher, volumes, recipe, journal.epochs + 1, outputs)
        seconds = time.monotonic() - started
        figures = validator.figures(final, unseen, images["validation"])
        journal.add(size=size, **vars(stats), **figures, seconds=seconds)
        if rank == 0:
            checkpoint.save(journal.history)

    if rank == 0:
        add_to_bias(final, validator.logit_adjustment)
        save_network(final, options.out)
        journal.close(
            options.weights, options.start, options.teacher, flags, outputs, volume=recipe.has_volume,
            final=options.final,
        )  # fmt: skip


def one_epoch(
    state: TrainState,
    pixels: Pixels,
    labels: Indices,
    teacher: Probabilities | None,
    volumes: Floats | None,
    recipe: Recipe,
    epoch: int,
    outputs: tuple[int, ...],
) -> EpochStats:
    """`train_one_epoch` with a progress bar."""
    return train_one_epoch(
        state, pixels, labels, recipe, epoch=epoch, outputs=len(outputs), isolated=isolated_outputs(outputs),
        teacher=teacher, volumes=volumes,
        progress=lambda steps: tqdm(steps, f"epoch {epoch}/{recipe.epochs}", mininterval=20, disable=state.rank > 0),
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        with process_group() as (rank, world_size):
            train(options, recipe_from(options), rank, world_size)
    except (CheckpointError, FileNotFoundError, FloatingPointError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
