from dataclasses import replace

import numpy as np
import pytest
from binlab.evaluate.orders import Lines, Rules, order_lines
from binlab.evaluate.predictions import Volumes
from binlab.evaluate.volume import fit_weights, order_log_loss, volume_evaluation, weighed_lines, with_weights

from tests.unit.training.evaluate.examples import guesses, predictions_of

UNDECIDED = predictions_of([3, 3], [[0.2] * 5] * 2, empty=[0.02] * 2, over_range=[0.03] * 2)
ITEM, SD = np.log([2.0, 2.0]), np.full(2, 0.04)


def lines_with(litres: list[float], weights: tuple[float, float] = (1.0, 1.0)) -> Lines:
    """The lines of two bins with three items of 2 litres, where the photos show `litres`."""
    logs = np.log(litres)
    return weighed_lines(with_weights(UNDECIDED, Volumes(logs, SD, logs, logs, weights), weights), Rules(), ITEM)


def test_the_volume_tells_which_orders_are_right() -> None:
    lines = lines_with([6.0, 10.0])

    facts = zip(lines.photo.tolist(), lines.expected.tolist(), lines.risk, strict=True)
    risks = {(photo, expected): risk for photo, expected, risk in facts}
    assert max(risks[0, 3], risks[1, 5]) < 0.01
    assert min(risks[0, 5], risks[1, 3]) > 0.99


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
    found, alone = lines_with([6.0, 10.0], (1.0, 0.0)), order_lines(UNDECIDED, Rules())

    assert found.risk == pytest.approx(alone.risk)
    assert found.fewer == pytest.approx(alone.fewer)


def test_a_loss_is_that_of_what_is_true() -> None:
    right, wrong = (order_log_loss(lines_with([litres] * 2)) for litres in (6.0, 8.0))
    unknown = order_log_loss(order_lines(UNDECIDED, Rules()))

    assert right == pytest.approx(0, abs=1e-3)
    assert right < unknown < wrong


def test_the_weights_tell_a_good_volume_from_a_random_one() -> None:
    predictions = guesses(1, 300).where(np.arange(300) >= 0)
    predictions = predictions.where(predictions.counts > 0)
    random = np.random.default_rng(0)
    logs, deviations = np.log(predictions.counts * 2.0), np.full(len(predictions), 0.3)
    good = fit_weights(predictions, logs + random.normal(0, 0.3, len(logs)), logs, deviations)
    useless = fit_weights(predictions, random.permutation(logs), logs, deviations)

    assert good[1] > 0.5 > useless[1]
