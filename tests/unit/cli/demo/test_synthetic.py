import numpy as np
from bincli.demo.synthetic import draw_bin, draw_bins


def test_synthetic_bins_are_labelled_one_to_five_in_turn(tmp_path):
    labels = draw_bins(tmp_path / "drawn", 7)

    assert list(labels.values()) == [1, 2, 3, 4, 5, 1, 2]
    assert sorted(tmp_path.glob("drawn/*.jpg")) == sorted(labels)


def test_equal_seeds_give_equal_bins(tmp_path):
    one, other, third = (draw_bins(tmp_path / str(place), 3, seed=seed) for place, seed in enumerate((1, 1, 2)))

    def contents(labels):
        return [path.read_bytes() for path in labels]

    assert contents(one) == contents(other)
    assert contents(one) != contents(third)


def test_two_bins_with_as_many_boxes_differ():
    random = np.random.default_rng(5)

    assert draw_bin(3, random).tobytes() != draw_bin(3, random).tobytes()
