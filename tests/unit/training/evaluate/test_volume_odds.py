"""The restated odds with volumes agree with those of the functions."""

import numpy as np
import pytest
from binlab.evaluate.orders import Rules
from binlab.evaluate.predictions import Volumes
from binlab.evaluate.volume import weighed_lines, with_weights
from bintally.domain.line_odds import odds_of
from bintally.domain.risk import OrderPrior
from bintally.domain.volume import Volume
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.functions.examples import counted
from tests.unit.training.evaluate.examples import predictions_of

WEIGHTS = st.lists(st.integers(0, 40), min_size=7, max_size=7).filter(lambda each: sum(each[1:6]) > 0)
STEPS = st.sampled_from([(0.7, 0.2, 0.1), (1.0,), (0.5, 0.5)])
LITRES, EXPONENT = st.floats(0.01, 100), st.floats(0, 2)


@given(WEIGHTS, st.integers(0, 12), STEPS, LITRES, LITRES, st.floats(0.1, 2), EXPONENT, EXPONENT)
def test_both_rooms_agree(
    shares: list[int],
    recorded: int,
    steps: tuple[float, ...],
    litres: float,
    item: float,
    log_sd: float,
    count_weight: float,
    volume_weight: float,
) -> None:
    inside = np.array(shares[1:6]) / sum(shares[1:6])
    outside = {"empty": shares[0] / sum(shares), "over_range": shares[6] / sum(shares)}
    log = np.log([litres])
    volumes = Volumes(log, np.array([log_sd]), log, log, (1.0, 1.0))
    predictions = predictions_of([recorded], [inside], **{name: [share] for name, share in outside.items()})
    predictions = with_weights(predictions, volumes, (count_weight, volume_weight))
    volume = Volume(litres, litres, litres, 0.9, log_sd, count_weight, volume_weight)
    count = counted(probabilities=dict(enumerate(inside.tolist(), 1)), volume=volume, **outside)

    lines = weighed_lines(predictions, Rules(steps=steps), np.log([item]))

    for expected, fewer, more in zip(lines.expected.tolist(), lines.fewer, lines.more, strict=True):
        odds = odds_of(expected, count, OrderPrior(0.05, steps), item)
        assert odds is not None
        assert (odds.fewer, odds.more) == pytest.approx((fewer, more), abs=2e-6)


def test_predictions_without_volumes_are_an_error() -> None:
    with pytest.raises(ValueError, match="no volumes"):
        weighed_lines(predictions_of([3], [[0.2] * 5]), Rules(), np.zeros(1))
