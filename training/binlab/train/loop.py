"""The training loop: one epoch, and validation after it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from binmodel.predict import counted, softmax
from binmodel.preprocess import Pixels
from torch import nn
from torch.nn import functional

from binlab.data.dataset import CLASSES, LabelledImage
from binlab.evaluate.metrics import summary
from binlab.train.network import Probabilities, logits_of, mixed_precision
from binlab.train.pixels import Indices, augment, batches, mixup, normalised, to_batch
from binlab.train.recipe import Recipe
from binlab.train.state import TrainState, steps_in_epoch

Progress = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class EpochStats:
    """Mean loss and mean gradient norm (before the step) of an epoch."""

    loss: float
    gradient: float


def train_one_epoch(
    state: TrainState,
    pixels: Pixels,
    labels: Indices,
    recipe: Recipe,
    *,
    epoch: int,
    outputs: int,
    isolated: tuple[int, ...] = (),
    teacher: Probabilities | None = None,
    volumes: npt.NDArray[np.float64] | None = None,
    progress: Progress = iter,
) -> EpochStats:
    """Train on `pixels`, uint8 (N, C, C, 3), from which crops of the epoch's size are made, and output indices (N,).

    `teacher` are the probabilities (N, outputs) of a teacher. `volumes` are the log litres (N,), NaN where unknown, for
    a recipe with a `volume_weight`. Raises FloatingPointError if the loss is not finite.

    Randomness depends only on the seed, the epoch and the rank, so a run continued from a checkpoint is bit for bit the
    run that was never interrupted.
    """
    state.network.train()
    size, generator = recipe.size_of(epoch), seeded(recipe.seed, epoch, 1 + state.rank)
    # The same order in every process: each takes every world_size-th image of the same batch.
    order = torch.randperm(len(labels), generator=seeded(recipe.seed, epoch)).numpy()
    steps = list(batches(order, recipe.batch))[: steps_in_epoch(len(labels), recipe, state.world_size)]
    stats = []
    for batch_indices in progress(steps):
        indices = np.sort(batch_indices[state.rank :: state.world_size])  # sorted: sequential reads of the mapped file
        batch = augment(to_batch(pixels[indices]), size, recipe.augment, generator)
        targets = soft_targets(torch.from_numpy(labels[indices]), outputs, recipe.neighbour_smoothing, isolated)
        if teacher is not None:
            targets = (1 - recipe.distil) * targets + recipe.distil * torch.from_numpy(teacher[indices])
        if volumes is not None:
            targets = torch.cat([targets, volume_targets(volumes[indices])], 1)
        blended = mixup(normalised(batch), targets, recipe.mixup, generator)
        stats.append(_step(state, *blended, recipe.volume_weight))
    return EpochStats(float(np.mean([step.loss for step in stats])), float(np.mean([step.gradient for step in stats])))


def _step(state: TrainState, batch: torch.Tensor, targets: torch.Tensor, volume_weight: float) -> EpochStats:
    # bfloat16 keeps the exponent range of float32, so unlike float16 it needs no gradient scaler.
    with mixed_precision(state.device):
        columns = state.network(batch.to(state.device, memory_format=torch.channels_last)).float()
    loss = loss_of(columns, targets.to(state.device), volume_weight)
    if not math.isfinite(loss.item()):
        raise FloatingPointError("Loss is not finite. Lower --lr, or look for corrupt photos with explore.py.")
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    gradient = nn.utils.get_total_norm([p.grad for p in state.network.parameters() if p.grad is not None])
    state.optimizer.step()
    state.schedule.step()
    if state.averaged:
        state.averaged.update_parameters(state.network)
    return EpochStats(loss.item(), gradient.item())


def loss_of(columns: torch.Tensor, targets: torch.Tensor, volume_weight: float) -> torch.Tensor:
    """The cross entropy of the counts, plus `volume_weight` times the loss of the volume.

    With a `volume_weight`, the last of the `columns` (N, outputs + 1) is the log litres, and the last two of the
    `targets` (N, outputs + 2) are `volume_targets`; without, there are no such columns.
    """
    if not volume_weight:
        return functional.cross_entropy(columns, targets)
    counting = functional.cross_entropy(columns[:, :-1], targets[:, :-2])
    return counting + volume_weight * volume_loss(columns[:, -1], targets[:, -2], targets[:, -1])


def volume_targets(logs: npt.NDArray[np.float64]) -> torch.Tensor:
    """Float (N, 2) for log litres (N,): the value, and the share of the image whose volume is known; 0 and 0 for NaN.

    Mixup blends both, so that `volume_loss` finds the mean of the known values by dividing one by the other.
    """
    known = torch.from_numpy(np.isfinite(logs)).float()
    return torch.stack([torch.from_numpy(np.nan_to_num(logs)).float(), known], 1)


def volume_loss(predicted: torch.Tensor, blended: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """The smooth L1 loss of log litres (N,), averaged over images by how much of their volume is known; 0 if none is.

    Smooth L1 (Girshick, 2015, arXiv:1504.08083), because some recorded volumes are far off.
    """
    losses = functional.smooth_l1_loss(predicted, blended / known.clamp_min(1e-6), reduction="none")
    return (losses * known).sum() / known.sum().clamp_min(1e-6)


def soft_targets(labels: torch.Tensor, outputs: int, smoothing: float, isolated: tuple[int, ...] = ()) -> torch.Tensor:
    """Float (N, outputs): the recorded count, with the share `smoothing` moved to its neighbours n - 1 and n + 1.

    Counts are ordered and records are sometimes off by one, so a neighbour is less wrong than a distant count. Outputs
    in `isolated` neither give nor receive: an empty bin is no neighbour of a bin with one item.
    """
    one_hot = functional.one_hot(labels, outputs).float()
    giving = one_hot.clone()
    giving[:, list(isolated)] = 0
    beside = functional.pad(giving[:, 1:], (0, 1)) + functional.pad(giving[:, :-1], (1, 0))
    beside[:, list(isolated)] = 0
    found = beside.sum(1, keepdim=True)
    share = smoothing * (found > 0)
    return (1 - share) * one_hot + share * beside / found.clamp_min(1)


def seeded(*numbers: int) -> torch.Generator:
    """An independent generator for each sequence of numbers. Sums would collide: seed 7 + epoch 2, seed 8 + epoch 1."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(numbers).generate_state(1)[0]))


@dataclass(frozen=True)
class Validator:
    """Measures a network on images it does not learn from.

    `outputs` are the counts that its outputs stand for; `logit_adjustment` (outputs,) is added to its logits.
    """

    outputs: tuple[int, ...]
    logit_adjustment: npt.NDArray[np.float32]

    def figures(self, network: nn.Module, pixels: Pixels, images: Sequence[LabelledImage]) -> dict[str, Any]:
        """Balanced figures over images with a count in CLASSES, and the share of each predicted count."""
        logits = logits_of(network, pixels)[:, : len(self.outputs)] + self.logit_adjustment
        probabilities = softmax(logits[:, np.isin(self.outputs, CLASSES)])
        found = summary(probabilities, np.array([image.count for image in images]), CLASSES)
        predicted = np.bincount(counted(probabilities), minlength=len(CLASSES)) / len(images)
        return {
            "validation_loss": found["balanced_log_loss"],
            "balanced_accuracy": found["balanced_accuracy"],
            "rmse_expected": found["balanced_rmse_expected"],
            "within_one": found["balanced_within_one"],
            "ece": found["balanced_ece"],
            "accuracy": found["accuracy"],
            "predicted_shares": {str(count): float(share) for count, share in zip(CLASSES, predicted, strict=True)},
        }
