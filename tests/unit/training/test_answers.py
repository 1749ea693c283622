import pytest
from binlab.evaluate.answers import read_answers

from tests.unit.training.answering import line, photo

ROWS = [[0.7, 0.3], [0.4, 0.6]]


def test_lines_of_a_model_that_knows_no_more_than_its_classes() -> None:
    answers, photos, errors = read_answers([line(row) for row in ROWS], [photo(1, 1), photo(2, 2)])

    assert (answers.classes, errors) == ((1, 2), [])
    assert answers.guess.tolist() == answers.counts.tolist() == [1, 2]
    assert answers.confidence.tolist() == [0.7, 0.6]
    assert answers.shares.tolist() == answers.probabilities.tolist() == ROWS
    assert answers.expected == pytest.approx([1.3, 1.6])
    assert (answers.spans, answers.promised) == (None, None)
    assert [each.id for each in photos] == ["1", "2"]


def test_lines_with_empty_over_range_and_interval() -> None:
    fields = {"empty": 0.1, "over_range": 0.3, "interval": {"low": 1, "high": None, "coverage": 0.9}}
    answers, _, _ = read_answers([line(row, **fields) for row in ROWS], [photo(1, 0), photo(2, 2)])

    assert answers.in_range.tolist() == [False, True]
    assert answers.shares.sum(1) == pytest.approx([0.6, 0.6])
    assert answers.confidence == pytest.approx([0.7 * 0.6, 0.6 * 0.6])
    assert (answers.spans.tolist(), answers.promised) == ([[1, 3], [1, 3]], 0.9)  # type: ignore[union-attr]
    kept = answers.where(answers.in_range)
    assert (len(kept), kept.counts.tolist(), kept.spans.tolist()) == (1, [2], [[1, 3]])  # type: ignore[union-attr]


def test_a_photograph_that_can_t_be_counted_is_named_and_the_others_stay_in_order() -> None:
    broken = {"error": {"code": "corrupt_image", "message": "Damaged."}, "model": "m@1"}
    answers, photos, errors = read_answers([line(ROWS[0]), broken, line(ROWS[1])], [photo(n, 1) for n in (7, 8, 9)])

    assert errors == [{"id": "8", "code": "corrupt_image", "message": "Damaged."}]
    assert [each.id for each in photos] == ["7", "9"]
    assert answers.guess.tolist() == [1, 2]


def test_without_any_count_there_is_nothing_to_say() -> None:
    with pytest.raises(ValueError, match="None of the 1 photographs"):
        read_answers([{"error": {"code": "empty_file", "message": "Empty."}}], [photo(1, 1)])
