"""Fine-tune the ResNet-50 on bin photographs.

    python training/train.py --data DIR --weights FILE --out .work/model     # recipe `best`: about an hour on two cores
    python training/train.py --data DIR --weights FILE --teacher .work/model --distil 0.5 --out .work/taught
    python training/train.py --data DIR --recipe baseline                    # what the published attempts did
    python training/train.py --data DIR --limit 200 --stages 1x64            # a try-out: about a minute
    torchrun --nproc-per-node 2 training/train.py --data DIR                 # several processes learn together

Writes `checkpoint.pt` after every epoch (and goes on from it), the curves as `curves.png` and for TensorBoard, at the
end `network.safetensors` and `training.json`, of which `package.py` makes the artifact that serves. Prints one line of
JSON an epoch, and a warning where the run goes wrong. Under SageMaker the SM_* variables give the defaults.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from binlab.data.dataset import CLASSES, Photo, read_split
from binlab.train.checkpoint import Checkpoint, CheckpointError
from binlab.train.journal import Journal
from binlab.train.judge import Judge
from binlab.train.learning import as_the_first_says, learner_for, processes
from binlab.train.loop import Indices, Learner, Learnt, Probabilities, train_one_epoch
from binlab.train.monitor import RULES
from binlab.train.pixels import cached_pixels
from binlab.train.prior import alone_in, balance, labels_of, outputs_of, shift_bias
from binlab.train.recipe import Recipe, add_flags, chosen
from binlab.train.teacher import answers_of_teacher
from binlab.train.weights import RANDOM, finetuned_network, pretrained_network, save_network
from binmodel.preprocess import Pixels
from torch import nn
from tqdm import tqdm

MARGIN = 1.2  # photographs are kept this much larger than they are learnt from, so that crops lose nothing


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    env = os.environ.get
    parser.add_argument("--data", type=Path, default=env("SM_CHANNEL_TRAIN"), help="folder with bin-images/, metadata/")
    parser.add_argument(
        "--weights", help=f"ImageNet ResNet-50, safetensors or .xz; `{RANDOM}` for random ones (default: torchvision's)"
    )
    parser.add_argument("--start", type=Path, help="instead of --weights: go on from what another run wrote here")
    parser.add_argument("--teacher", type=Path, help="what another run wrote: its answers are a share of the targets")
    parser.add_argument("--out", type=Path, default=env("SM_MODEL_DIR", ".work/model"), help="(default: %(default)s)")
    parser.add_argument("--checkpoints", type=Path, help="folder of checkpoint.pt (default: that of --out)")
    parser.add_argument("--cache", type=Path, default=".work/cache", help="decoded photographs (default: %(default)s)")
    parser.add_argument("--limit", type=int, help="use this many photographs of each side only")
    parser.add_argument(
        "--stop-on", nargs="+", choices=list(RULES), default=[], metavar="RULE",
        help=f"end the run when the monitor warns of this: {', '.join(RULES)} (default: only warn)",
    )  # fmt: skip
    add_flags(parser)
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("--data is needed: a folder with bin-images/ and metadata/ as in the public dataset")
    if bool(options.teacher) != bool(chosen(options).distil):
        parser.error("--teacher and --distil go together: whose answers, and how much of each target they are")
    return options


def photographs(options: argparse.Namespace, recipe: Recipe) -> dict[str, list[Photo]]:
    """Those to learn from, with empty and fuller bins where the recipe wants them, and those to be judged by."""
    learnt = read_split(options.data, (lambda _: True) if recipe.outside else CLASSES.__contains__)["train"]
    return {"train": learnt[: options.limit], "validation": read_split(options.data)["validation"][: options.limit]}


def pixels_of(photos: list[Photo], size: int, cache: Path) -> Pixels:
    return cached_pixels(photos, size, cache, lambda items: tqdm(items, f"decode at {size} px", unit="photo"))


def starting_network(options: argparse.Namespace, recipe: Recipe, judge: Judge) -> nn.Module:
    """The network of --start, or one with the ImageNet weights of --weights."""
    if not options.start:
        return pretrained_network(len(judge.outputs), options.weights, seed=recipe.seed)
    network = finetuned_network(len(judge.outputs), options.start)
    shift_bias(network, -judge.shift)  # as it was before that run's end
    return network


def taught_by(options: argparse.Namespace, recipe: Recipe, photos: list[Photo], judge: Judge) -> Probabilities | None:
    """The answers of --teacher, at the size with which the run ends."""
    if not options.teacher:
        return None
    pixels = pixels_of(photos, recipe.size_of(recipe.epochs), options.cache)
    return answers_of_teacher(options.teacher, pixels, judge.shift)


def learn(options: argparse.Namespace, recipe: Recipe, rank: int, together: int) -> None:
    """The run, from the starting weights or from its checkpoint. Only the first process writes."""
    outputs, split = outputs_of(recipe.outside), photographs(options, recipe)
    labels = labels_of((photo.count for photo in split["train"]), outputs)
    judge = Judge(outputs, balance(labels, outputs))
    network, taught = starting_network(options, recipe, judge), taught_by(options, recipe, split["train"], judge)
    learner = learner_for(network, recipe, len(labels), rank, together)
    final = learner.averaged.module if learner.averaged else network
    checkpoint = Checkpoint(options.checkpoints or options.out, network, learner, recipe.flags())
    journal = Journal(options.out, checkpoint.restore(), writes=rank == 0)

    while journal.epochs < recipe.epochs and not as_the_first_says(journal.warned_of(options.stop_on)):
        size = recipe.size_of(journal.epochs + 1)
        pixels = pixels_of(split["train"], round(size * MARGIN), options.cache)
        unseen = pixels_of(split["validation"], size, options.cache)
        started = time.monotonic()
        learnt = one_epoch(learner, pixels, labels, taught, recipe, journal.epochs + 1, outputs)
        seconds = time.monotonic() - started
        journal.add(size=size, **vars(learnt), **judge.figures(final, unseen, split["validation"]), seconds=seconds)
        if rank == 0:
            checkpoint.save(journal.history)

    if rank == 0:
        shift_bias(final, judge.shift)
        save_network(final, options.out)
        journal.close(options.weights, options.start, options.teacher, recipe.flags(), outputs)


def one_epoch(
    learner: Learner,
    pixels: Pixels,
    labels: Indices,
    taught: Probabilities | None,
    recipe: Recipe,
    epoch: int,
    outputs: tuple[int, ...],
) -> Learnt:
    """`train_one_epoch` with a progress bar."""
    return train_one_epoch(
        learner, pixels, labels, recipe, epoch=epoch, outputs=len(outputs), alone=alone_in(outputs), taught=taught,
        progress=lambda steps: tqdm(steps, f"epoch {epoch}/{recipe.epochs}", mininterval=20, disable=learner.rank > 0),
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        with processes() as (rank, together):
            learn(options, chosen(options), rank, together)
    except (CheckpointError, FileNotFoundError, FloatingPointError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
