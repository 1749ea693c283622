from collections import Counter
from datetime import UTC, datetime

from bincli.demo.orders import as_csv, orders_from_labels
from bintally.domain.orders import parse_orders

DUE = datetime(2026, 5, 4, 16, 0, tzinfo=UTC)


def labels(number):
    return {f"B-{place:04}": place % 5 + 1 for place in range(number)}


def altered(lines, truth):
    return [line.expected - truth[line.bin_id] for line in lines if line.expected != truth[line.bin_id]]


def test_one_line_in_ten_is_altered_by_one_both_ways():
    differences = altered(orders_from_labels(labels(200), DUE), labels(200))

    assert len(differences) == 20
    assert set(differences) == {1, -1}


def test_the_same_bins_give_the_same_orders():
    assert orders_from_labels(labels(60), DUE) == orders_from_labels(labels(60), DUE)


def test_a_drop_of_a_few_has_something_to_find():
    assert altered(orders_from_labels(labels(10), DUE), labels(10))


def test_nothing_less_than_one_is_expected_of_an_altered_line():
    zeros = {f"B-{place}": 0 for place in range(50)}

    assert Counter(line.expected for line in orders_from_labels(zeros, DUE)) == {0: 45, 1: 5}


def test_a_consignment_has_at_most_twenty_lines():
    lines = Counter(line.consignment_id for line in orders_from_labels(labels(45), DUE))

    assert lines == {"DEMO-001": 20, "DEMO-002": 20, "DEMO-003": 5}


def test_the_importer_takes_every_line():
    truth = {"plain": 1, "with, comma": 2, 'quote"s': 3, "日本": 4, "café +%": 5}

    file = parse_orders(as_csv(orders_from_labels(truth, DUE)))

    assert file.refused == ()
    assert {line.bin_id: line.expected for line in file.lines} == truth
    assert {line.due_at for line in file.lines} == {"2026-05-04T16:00:00.000Z"}
