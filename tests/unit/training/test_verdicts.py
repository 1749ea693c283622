"""The restated rule gives the verdicts that the functions give."""

import numpy as np
import pytest
from binlab.evaluate.verdicts import Thresholds, compare, verdicts
from bintally.domain import verdicts as served
from bintally.domain.bins import BinCount, BinStatus
from bintally.domain.image import Image
from bintally.domain.intervals import Interval
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.training.answering import answers_of

NOW = "2026-11-23T12:00:00.000Z"
IMAGE = Image("intake", "b/1.jpg", "v", "1", NOW, "b")
WEIGHTS = st.lists(st.integers(0, 40), min_size=7, max_size=7).filter(lambda each: sum(each[1:6]) > 0)
SPANS = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda pair: (min(pair), max(pair)))
THRESHOLD = st.sampled_from([0.5, 0.6, 0.75, 0.9, 0.95])


def served_verdict(expected: int, count: BinCount, thresholds: Thresholds) -> str:
    line = served.OrderLine("C", "b", expected)
    limits = served.Thresholds(match=thresholds.match, variance=thresholds.variance)
    return served.line_verdict(line, count, now=NOW, thresholds=limits).verdict.value


@given(WEIGHTS, SPANS | st.none(), st.booleans(), st.integers(1, 5), THRESHOLD, THRESHOLD)
def test_both_rules_agree(
    weights: list[int], span: tuple[int, int] | None, knows: bool, expected: int, match: float, variance: float
) -> None:
    inside = np.array(weights[1:6]) / sum(weights[1:6])
    empty, fuller = (weights[0] / sum(weights), weights[6] / sum(weights)) if knows else (0.0, 0.0)
    thresholds = Thresholds(match, variance)
    answers = answers_of([1], [inside], empty=[empty], fuller=[fuller], spans=[span] if span else None)
    guess, low_high = int(answers.guess[0]), None if span is None else (span[0], span[1] if span[1] <= 5 else None)
    count = BinCount(
        image=IMAGE,
        status=BinStatus.COUNTED,
        count=guess if guess <= 5 else None,
        at_least=guess if guess > 5 else None,
        probabilities=dict(zip(range(1, 6), inside.tolist(), strict=True)),
        empty=empty if knows else None,
        over_range=fuller if knows else None,
        interval=Interval(*low_high, 0.9) if low_high else None,
    )
    found = compare(answers)
    chances = [table[0, expected - 1] for table in (found.fewer, found.equal, found.more)]
    # Where a sum is a threshold, the last bit decides, and it depends on the order of the summands.
    assume(all(abs(chance - limit) > 1e-9 for chance in chances for limit in (match, variance)))

    assert sum(chances) == pytest.approx(1)
    assert verdicts(found, thresholds)[0, expected - 1] == served_verdict(expected, count, thresholds)


def test_verdicts_by_hand() -> None:
    answers = answers_of([2, 2], [[0.02, 0.95, 0.03], [0.5, 0.3, 0.2]], empty=[0, 0.8])

    assert verdicts(compare(answers), Thresholds()).tolist() == [
        ["OVER", "MATCH", "SHORT"],
        ["UNCERTAIN", "SHORT", "SHORT"],
    ]


def test_an_interval_that_says_otherwise_sends_a_person() -> None:
    rows = [[0.02, 0.95, 0.03]] * 2
    answers = answers_of([2, 2], rows, spans=[(1, 3), (3, 3)])

    assert verdicts(compare(answers), Thresholds()).tolist() == [
        ["UNCERTAIN", "MATCH", "UNCERTAIN"],
        ["OVER", "UNCERTAIN", "UNCERTAIN"],
    ]
