from __future__ import annotations

import pytest
from bintally.domain.cancellations import Cancellation
from bintally.domain.changes import Changes
from bintally.domain.errors import CancellationError
from bintally.domain.verdicts import Verdict
from bintally.usecases.cancel import Changed, cancel, restore

from tests.fakes import Fakes
from tests.unit.functions.examples import NOON, NOW
from tests.unit.functions.usecases.reconciling import LINE_A, LINE_B, OF_BOTH, count_in, orders, two_bins, verdicts
from tests.unit.functions.usecases.runs import reconciled

ANN = Cancellation("ann", "")


def completed(fakes: Fakes) -> list[dict[str, object]]:
    reconciled(fakes, Changes(judged=["C-1"]))
    return fakes.events.of_kind("ConsignmentReconciled")


def test_a_cancelled_line_gets_no_verdict_until_it_is_restored() -> None:
    fakes = two_bins()

    assert cancel(fakes, "C-1", ["a"], ANN, now=NOW) == Changed(1, 0)
    assert cancel(fakes, "C-1", ["a"], ANN, now=NOW) == Changed(0, 1)
    reconciled(fakes, OF_BOTH)

    assert verdicts(fakes) == {LINE_A: Verdict.WITHDRAWN, LINE_B: Verdict.OVER}
    assert fakes.orders.items[LINE_A].cancelled == Cancellation("ann", NOON)
    count_in(fakes, "a", 3, 9)
    orders(fakes, "C-1,a,3,", "C-1,b,2,", at=9)
    reconciled(fakes, OF_BOTH)
    assert verdicts(fakes)[LINE_A] is Verdict.WITHDRAWN

    assert restore(fakes, "C-1", [], now=NOW) == Changed(1, 1)
    reconciled(fakes, OF_BOTH)
    assert verdicts(fakes) == {LINE_A: Verdict.MATCH, LINE_B: Verdict.OVER}


def test_the_event_says_how_many_lines_are_cancelled() -> None:
    fakes = two_bins()
    reconciled(fakes, OF_BOTH)
    before = completed(fakes)
    cancel(fakes, "C-1", ["b"], ANN, now=NOW)

    after = completed(fakes)

    assert "cancelled" not in before[-1]
    assert (after[-1]["lines"], after[-1]["cancelled"]) == ({"MATCH": 1, "WITHDRAWN": 1}, 1)
    assert after[-1]["event_id"] != before[-1]["event_id"]


def test_a_whole_consignment_is_cancelled() -> None:
    fakes = two_bins()

    assert cancel(fakes, "C-1", [], ANN, now=NOW) == Changed(2, 0)

    assert set(verdicts(fakes).values()) == {Verdict.WITHDRAWN}


@pytest.mark.parametrize(
    ("consignment", "bins", "by", "reason"),
    [("C-9", [], "ann", "C-9 not found"), ("C-1", ["a", "z"], "ann", "no line for bin z"), ("C-1", [], "", "name")],
)
def test_unknown_lines_and_names_change_nothing(consignment: str, bins: list[str], by: str, reason: str) -> None:
    fakes = two_bins()

    with pytest.raises(CancellationError, match=reason):
        cancel(fakes, consignment, bins, Cancellation(by, ""), now=NOW)

    assert set(verdicts(fakes).values()) == {Verdict.PENDING}
