from __future__ import annotations

from dataclasses import replace

import pytest
from bintally.domain.decisions import Decision
from bintally.domain.labels import Label, labels_of, weight_of

from tests.unit.functions.examples import NOON

FIRST = Decision("a", "d-1", "i-1", "ann", NOON, 3, selection_probability=0.03, bin_revision=2)
SECOND = replace(FIRST, decision_id="d-2", count=4, bin_revision=4)


def test_the_last_decision_that_stands_is_the_label() -> None:
    assert labels_of([SECOND, FIRST]) == [Label("i-1", 4, 33.333)]
    assert labels_of([FIRST, replace(SECOND, undone_by="ann")]) == [Label("i-1", 3, 33.333)]
    assert labels_of([FIRST, replace(SECOND, count=None)]) == []
    other = replace(FIRST, image_id="i-0", count=0, selection_probability=None)
    assert labels_of([FIRST, other]) == [Label("i-0", 0, 1.0), Label("i-1", 3, 33.333)]


@pytest.mark.parametrize(("probability", "weight"), [(None, 1), (1.0, 1), (0.5, 2), (0.03, 33.333), (0.001, 50)])
def test_a_photo_stands_for_those_that_were_not_drawn_within_limits(probability: float, weight: float) -> None:
    assert weight_of(probability) == weight
