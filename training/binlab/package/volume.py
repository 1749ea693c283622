"""The volume output of a packaged network: ridge regression on its pooled features, and what its estimates are worth.

The network stays as it is; only the linear output is fitted. The weights come from training images, the penalty and the
calibration from validation images. Images whose volume is unknown (NaN) take no part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from binmodel.predict import counted, in_range, softmax
from binmodel.volume import VolumeCalibration

from binlab.data.dataset import CLASSES
from binlab.data.sampling import SHARES
from binlab.evaluate.predictions import Predictions
from binlab.evaluate.volume import estimate_figures, fit_weights
from binlab.package.head import Head, add_head, expose_features, same_logits
from binlab.package.quantize import Trial
from binlab.train.network import Logits

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.floating]

COVERAGE = 0.9
LEAST_IMAGES = 19  # with a known volume, in training and in validation: fewer give no interval with this coverage
SLOPES = tuple(float(slope) for slope in np.linspace(-0.5, 0.5, 101))
PENALTIES = tuple(float(penalty) for penalty in 10 ** np.arange(-2, 5.01, 0.25))
DECIMALS = 4
RIDGE = "ridge regression on the pooled features of the int8 network"
TRAINED = "trained together with the counts"
ASSUMES = "photos exchangeable with the validation photos; on average over them, not for each bin, volume or site"


@dataclass(frozen=True)
class VolumeOutput:
    """The linear output, its calibration on validation images, and its `metrics` on validation and test images."""

    head: Head
    calibration: VolumeCalibration
    metrics: Mapping[str, dict[str, float]]
    made: Mapping[str, Any]

    def facts(self) -> dict[str, Any]:
        """The `volume` section of model.json."""
        return {**asdict(self.calibration), **self.made, "assumes": ASSUMES}


def add_volume(
    network: Path, size: int, trials: Mapping[str, Trial], logs: Mapping[str, Floats], temperature: float,
    trained: Head | None = None,
) -> VolumeOutput | None:  # fmt: skip
    """Give the ONNX file `network` the output of log litres: that of training, or one that is fitted here.

    `logs` are the true log litres (N,) of each split's trial, NaN where unknown. Returns None, and leaves the file as
    it is, if too few are known. Raises ValueError if the counts changed.
    """
    known = {split: np.isfinite(values) for split, values in logs.items()}
    if min(int(known[split].sum()) for split in ("train", "validation")) < LEAST_IMAGES:
        return None
    before = trials["validation"].logits(network, size)
    head, made = (trained, {"method": TRAINED}) if trained else fitted_head(network, size, trials, logs)
    add_head(network, network, head)
    after = {split: trials[split].logits(network, size) for split in SHARES}
    same_logits(before, after["validation"])
    estimates = {split: after[split][known[split], -1].astype(float) for split in SHARES}
    truth = {split: logs[split][known[split]] for split in SHARES}
    seen = predictions_of(before, trials["validation"], temperature).where(known["validation"])
    calibration = calibrated(estimates["validation"], truth["validation"], seen)
    metrics = {split: volume_figures(estimates[split], truth[split], calibration) for split in SHARES}
    return VolumeOutput(head, calibration, metrics, {"images": len(truth["validation"]), **made})


def fitted_head(
    network: Path, size: int, trials: Mapping[str, Trial], logs: Mapping[str, Floats]
) -> tuple[Head, dict[str, Any]]:
    """The ridge regression on the training images, with the penalty that predicts the validation images best."""
    exposed = network.with_name(f"features-{network.name}")
    expose_features(network, exposed)
    known = {split: np.isfinite(logs[split]) for split in ("train", "validation")}
    features = {
        split: trials[split].logits(exposed, size)[mask, len(trials[split].outputs) :] for split, mask in known.items()
    }
    exposed.unlink()
    truth = {split: logs[split][mask] for split, mask in known.items()}
    head, penalty = fit_head(features["train"], truth["train"], features["validation"], truth["validation"])
    return head, {"method": RIDGE, "penalty": round(penalty, DECIMALS), "training_images": len(truth["train"])}


def predictions_of(logits: Logits, trial: Trial, temperature: float) -> Predictions:
    """What prediction lines would say of a trial's images, without intervals."""
    chances = softmax(logits, temperature)
    inside, outputs, nothing = in_range(chances, trial.outputs, CLASSES), trial.outputs, np.zeros(len(logits))
    return Predictions(
        classes=CLASSES, counts=trial.counts, predicted=np.array(outputs)[counted(chances)],
        confidence=chances.max(1), probabilities=inside / inside.sum(1, keepdims=True),
        empty=chances[:, 0] if outputs[0] < CLASSES[0] else nothing,
        over_range=chances[:, -1] if outputs[-1] > CLASSES[-1] else nothing,
    )  # fmt: skip


def fit_head(features: Features, logs: Floats, unseen: Features, unseen_logs: Floats) -> tuple[Head, float]:
    """The ridge regression of log litres (N,) on features (N, D) that predicts the `unseen` ones best; its penalty."""
    mean, centre = features.mean(0, dtype=float), float(logs.mean())
    left, scale, right = np.linalg.svd(features - mean, full_matrices=False)
    projected = left.T @ (logs - centre)

    def fitted(penalty: float) -> Head:
        weights = right.T @ (scale / (scale**2 + penalty) * projected)
        return Head(weights, centre - float(mean @ weights))

    heads = {penalty: fitted(penalty) for penalty in PENALTIES}
    best = min(heads, key=lambda penalty: float(((heads[penalty](unseen) - unseen_logs) ** 2).mean()))
    return heads[best], best


def calibrated(estimates: Floats, logs: Floats, predictions: Predictions) -> VolumeCalibration:
    """Calibrate estimates of images that the head did not learn from, with the true log litres and the counts; (N,)."""
    residuals, centre = logs - estimates, round(float(estimates.mean()), DECIMALS)
    log_sd, slope = (round(value, DECIMALS) for value in fit_deviation(residuals, estimates - centre))
    rough = VolumeCalibration(0.0, 0.0, COVERAGE, log_sd, slope, centre, 1.0, 1.0)
    deviations = np.array([rough.deviation(estimate) for estimate in estimates.tolist()])
    low, high = residual_limits(residuals / deviations, COVERAGE)
    count_weight, volume_weight = fit_weights(predictions, estimates, logs, deviations)
    # Rounded outwards: rounding inwards could uncover a volume that was just covered.
    low, high = float(np.floor(low * 1e4) / 1e4), float(np.ceil(high * 1e4) / 1e4)
    return replace(rough, low=low, high=high, count_weight=count_weight, volume_weight=volume_weight)


def fit_deviation(residuals: Floats, distances: Floats) -> tuple[float, float]:
    """The sd at distance 0 and the slope with which sd e^(slope distance) is most likely; distances (N,) average 0.

    The most likely sd of a slope is known, and its logarithm is, but for a constant, the mean of -log(likelihood).
    """
    sds = {slope: float(np.sqrt((residuals**2 * np.exp(-2 * slope * distances)).mean())) for slope in SLOPES}
    best = min(sds, key=sds.__getitem__)
    return sds[best], best


def residual_limits(residuals: Floats, coverage: float) -> tuple[float, float]:
    """Between which two residuals the next one lies with probability `coverage`, 0 included.

    Split conformal prediction (Vovk, Gammerman and Shafer, 2005) on each side, with half of the error each: the
    ceil((n + 1) (1 + coverage) / 2)-th smallest and largest residual.
    """
    ordered = np.sort(residuals)
    place = min(len(ordered), math.ceil((len(ordered) + 1) * (1 + coverage) / 2))
    return min(0.0, float(ordered[-place])), max(0.0, float(ordered[place - 1]))


def volume_figures(estimates: Floats, logs: Floats, calibration: VolumeCalibration) -> dict[str, float]:
    """`estimate_figures` of images with known log litres (N,), with the intervals of the calibration."""
    deviations = np.array([calibration.deviation(estimate) for estimate in estimates.tolist()])
    low, high = (estimates + deviations * end for end in (calibration.low, calibration.high))
    return estimate_figures(estimates, logs, low, high)
