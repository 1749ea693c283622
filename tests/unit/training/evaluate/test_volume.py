from dataclasses import replace

import numpy as np
import pytest
from binlab.evaluate.orders import Rules
from binlab.evaluate.predictions import Volumes
from binlab.evaluate.volume import fit_weights, order_log_loss, volume_evaluation, with_volume

from tests.unit.training.evaluate.examples import guesses, predictions_of

UNDECIDED = predictions_of([3, 3], [[0.2] * 5] * 2, empty=[0.02] * 2, over_range=[0.03] * 2)
LITRES = np.log([6.0, 10.0])  # of items of 2 litres: what three and five of them have
ITEM, SD = np.log([2.0, 2.0]), np.full(2, 0.2)


def test_the_volume_points_to_the_number_that_has_it() -> None:
    found = with_volume(UNDECIDED, LITRES, ITEM, SD, (1.0, 1.0))

    assert (found.class_probabilities.argmax(1) + 1).tolist() == [3, 5]
    outputs = found.class_probabilities.sum(1) + found.empty + found.over_range
    assert outputs == pytest.approx([1, 1])
    ratio = found.class_probabilities[0, 3] / found.class_probabilities[0, 2]
    assert ratio == pytest.approx(np.exp(-0.5 * (np.log(4 / 3) / 0.2) ** 2))


def test_both_find_more_wrong_orders_than_either() -> None:
    predictions = guesses(2, 300)
    random = np.random.default_rng(0)
    truth = np.where(predictions.counts > 0, np.log(np.maximum(predictions.counts, 1) * 1.5), np.nan)
    logs = np.nan_to_num(truth, nan=0.0) + random.normal(0, 0.4, len(truth))
    volumes = Volumes(logs, np.full(len(logs), 0.4), logs - 0.66, logs + 0.66, (1.0, 1.0))
    found = volume_evaluation(replace(predictions, volumes=volumes), truth, Rules())

    assert found is not None
    assert found["images"] == int((predictions.counts > 0).sum())
    assert (found["coverage"], found["log_sd"]) == (pytest.approx(0.9, abs=0.05), pytest.approx(0.4, abs=0.05))
    for figure in ("auc", "auc_within", "lift_10"):
        both, *alone = (found["orders"][name][figure] for name in ("both", "count", "volume"))
        assert both > max(alone)
    assert volume_evaluation(predictions, truth, Rules()) is None
    assert volume_evaluation(replace(predictions, volumes=volumes), truth * np.nan, Rules()) is None


def test_without_weight_the_volume_changes_nothing() -> None:
    found = with_volume(UNDECIDED, LITRES, ITEM, SD, (1.0, 0.0))

    for name in ("probabilities", "empty", "over_range", "counts", "predicted", "confidence"):
        assert getattr(found, name) == pytest.approx(getattr(UNDECIDED, name))


def test_a_loss_is_that_of_what_is_true() -> None:
    wrong, right = (
        with_volume(UNDECIDED, np.log([litres] * 2), ITEM, SD / 5, (1.0, 1.0)) for litres in (8.0, 6.0)
    )  # fmt: skip

    assert order_log_loss(right, Rules()) == pytest.approx(0, abs=1e-3)
    assert order_log_loss(right, Rules()) < order_log_loss(UNDECIDED, Rules()) < order_log_loss(wrong, Rules())


def test_the_weights_tell_a_good_volume_from_a_random_one() -> None:
    predictions = guesses(1, 300).where(np.arange(300) >= 0)
    predictions = predictions.where(predictions.counts > 0)
    random = np.random.default_rng(0)
    logs, deviations = np.log(predictions.counts * 2.0), np.full(len(predictions), 0.3)
    good = fit_weights(predictions, logs + random.normal(0, 0.3, len(logs)), logs, deviations)
    useless = fit_weights(predictions, random.permutation(logs), logs, deviations)

    assert good[1] > 0.5 > useless[1]
