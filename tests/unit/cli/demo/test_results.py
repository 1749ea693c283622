from pathlib import Path

from bincli.demo.results import NOT_ORDERED, Outcome, Totals, join, tally
from bintally.domain.verdicts import OrderLine, Verdict

PATH = Path("photo.jpg")


def line(consignment_id, bin_id, verdict, expected=3):
    return OrderLine(consignment_id, bin_id, expected, verdict=verdict, reason="because", counted=2)


def counted(bin_id, count):
    probabilities = {"2": 0.7, "3": 0.3}
    return {"bin_id": bin_id, "status": "COUNTED", "count": count, "confidence": 0.7, "probabilities": probabilities}


def test_a_photograph_is_joined_with_the_order_for_its_bin():
    (outcome,) = join({"B-1/a.jpg": PATH}, {"B-1/a.jpg": counted("B-1", 2)}, [line("C-1", "B-1", Verdict.SHORT)])

    assert outcome == Outcome("B-1", "SHORT", PATH, "C-1", 3, 2, 0.7, {2: 0.7, 3: 0.3}, "because")


def test_a_photograph_of_a_model_that_knows_empty_bins_tells_of_them():
    entry = counted("B-1", 2) | {"empty": 0.5, "over_range": 0.1, "interval": {"low": 0, "high": 3, "coverage": 0.9}}

    (outcome,) = join({"B-1/a.jpg": PATH}, {"B-1/a.jpg": entry}, [line("C-1", "B-1", Verdict.UNCERTAIN)])

    assert outcome.interval == "0 to 3 items, 90%"
    assert {number: round(share, 6) for number, share in outcome.probabilities.items()} == {
        0: 0.5,
        2: 0.28,
        3: 0.12,
        4: 0.1,
    }
    assert outcome.as_expected == outcome.probabilities[3]


def test_a_photograph_over_range_has_no_count():
    entry = {"bin_id": "B-1", "status": "COUNTED", "at_least": 6, "confidence": 0.9, "probabilities": {"5": 1.0}}
    entry |= {"empty": 0.0, "over_range": 0.9}

    (outcome,) = join({"B-1/a.jpg": PATH}, {"B-1/a.jpg": entry}, [])

    assert (outcome.count, outcome.at_least, outcome.number, outcome.verdict) == (None, 6, "6+", NOT_ORDERED)


def test_of_several_orders_for_a_bin_the_most_urgent_verdict_counts():
    lines = [line("C-1", "B-1", Verdict.MATCH), line("C-2", "B-1", Verdict.OVER), line("C-3", "B-1", Verdict.UNCERTAIN)]

    (outcome,) = join({"B-1.jpg": PATH}, {"B-1.jpg": counted("B-1", 2)}, lines)

    assert (outcome.consignment_id, outcome.verdict) == ("C-2", "OVER")


def test_a_bin_that_no_order_names_is_not_ordered_unless_it_could_not_be_read():
    entries = {"a.jpg": counted("a", 2), "b.jpg": {"bin_id": "b", "status": "REJECTED", "reason": "no"}}

    good, bad = join(dict.fromkeys(entries, PATH), entries, [])

    assert (good.verdict, bad.verdict, bad.reason) == (NOT_ORDERED, "UNREADABLE", "no")


def test_a_photograph_that_the_ledger_does_not_know_is_not_hidden():
    (outcome,) = join({"P-17-C/a.jpg": PATH}, {}, [])

    assert (outcome.bin_id, outcome.reason) == ("P-17-C", "Not in the ledger.")


def test_an_ordered_bin_without_a_photograph_is_an_outcome():
    (outcome,) = join({}, {}, [line("C-1", "B-1", Verdict.MISSING)])

    assert (outcome.photograph, outcome.verdict, outcome.reason) == (None, "MISSING", "because")


def test_a_tally_begins_with_the_most_urgent():
    assert list(tally(["MATCH", "SHORT", "MATCH"]).items()) == [("SHORT", 1), ("MATCH", 2)]


def test_a_drop_that_took_no_time_has_no_speed():
    assert Totals(1, 1, 0, 0, 0.0, {}).images_per_second == 0
    assert Totals(10, 10, 0, 0, 2.0, {}).images_per_second == 5
