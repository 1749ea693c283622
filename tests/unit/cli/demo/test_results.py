from pathlib import Path

from bincli.demo.results import Result, Totals, join
from bincli.verdicts import NOT_ORDERED, tally
from bintally.domain.verdicts import OrderLine, Verdict

PATH = Path("photo.jpg")


def line(consignment_id, bin_id, verdict, expected=3):
    return OrderLine(consignment_id, bin_id, expected, verdict=verdict, reason="because", counted=2)


def counted(bin_id, count):
    probabilities = {"2": 0.7, "3": 0.3}
    return {"bin_id": bin_id, "status": "COUNTED", "count": count, "confidence": 0.7, "probabilities": probabilities}


def test_a_photo_is_joined_with_the_order_for_its_bin():
    (result,) = join({"B-1/a.jpg": PATH}, {"B-1/a.jpg": counted("B-1", 2)}, [line("C-1", "B-1", Verdict.SHORT)])

    assert result == Result("B-1", "SHORT", PATH, "C-1", 3, 2, 0.7, {2: 0.7, 3: 0.3}, "because")


def test_the_probability_of_an_empty_bin_is_shown_if_known():
    entry = counted("B-1", 2) | {"empty": 0.5, "over_range": 0.1, "interval": {"low": 0, "high": 3, "coverage": 0.9}}

    (result,) = join({"B-1/a.jpg": PATH}, {"B-1/a.jpg": entry}, [line("C-1", "B-1", Verdict.UNCERTAIN)])

    assert result.interval == "0 to 3 items, 90%"
    assert {number: round(share, 6) for number, share in result.probabilities.items()} == {
        0: 0.5,
        2: 0.28,
        3: 0.12,
        4: 0.1,
    }


def test_a_photo_over_range_has_no_count():
    entry = {"bin_id": "B-1", "status": "COUNTED", "at_least": 6, "confidence": 0.9, "probabilities": {"5": 1.0}}
    entry |= {"empty": 0.0, "over_range": 0.9}

    (result,) = join({"B-1/a.jpg": PATH}, {"B-1/a.jpg": entry}, [])

    assert (result.count, result.at_least, result.count_text, result.verdict) == (None, 6, "6+", NOT_ORDERED)


def test_of_several_orders_for_a_bin_the_most_urgent_verdict_counts():
    lines = [line("C-1", "B-1", Verdict.MATCH), line("C-2", "B-1", Verdict.OVER), line("C-3", "B-1", Verdict.UNCERTAIN)]

    (result,) = join({"B-1.jpg": PATH}, {"B-1.jpg": counted("B-1", 2)}, lines)

    assert (result.consignment_id, result.verdict) == ("C-2", "OVER")


def test_a_bin_that_no_order_names_is_not_ordered_unless_it_could_not_be_read():
    entries = {"a.jpg": counted("a", 2), "b.jpg": {"bin_id": "b", "status": "REJECTED", "reason": "no"}}

    good, bad = join(dict.fromkeys(entries, PATH), entries, [])

    assert (good.verdict, bad.verdict, bad.reason) == (NOT_ORDERED, "UNREADABLE", "no")


def test_a_photo_that_the_ledger_does_not_know_is_not_hidden():
    (result,) = join({"P-17-C/a.jpg": PATH}, {}, [])

    assert (result.bin_id, result.reason) == ("P-17-C", "Not in the ledger.")


def test_an_ordered_bin_without_a_photo_is_listed():
    (result,) = join({}, {}, [line("C-1", "B-1", Verdict.MISSING)])

    assert (result.photo, result.verdict, result.reason) == (None, "MISSING", "because")


def test_totals_begin_with_the_most_urgent_verdict():
    assert list(tally(["MATCH", "SHORT", "MATCH"]).items()) == [("SHORT", 1), ("MATCH", 2)]


def test_a_drop_without_duration_has_no_throughput():
    assert Totals(1, 1, 0, 0, 0.0, {}).images_per_second == 0
    assert Totals(10, 10, 0, 0, 2.0, {}).images_per_second == 5


def test_a_photo_has_its_volume():
    volume = {"litres": 2.1, "low": 0.9, "high": 4.9, "coverage": 0.9}
    entry = counted("B-1", 2) | {"volume": volume | {"log_sd": 0.5, "count_weight": 1, "volume_weight": 1}}

    one, other = join({"B-1/a.jpg": PATH, "B-2/a.jpg": PATH}, {"B-1/a.jpg": entry, "B-2/a.jpg": counted("B-2", 1)}, [])

    assert (one.volume_l, other.volume_l) == (2.1, None)
