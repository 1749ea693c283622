import numpy as np
from binlab.data.perceptual_hash import near_pairs
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=12), st.integers(0, 8), st.data())
def test_similar_pairs_are_all_that_differ_in_few_bits(hashes: list[int], distance: int, data: st.DataObject) -> None:
    near = [one ^ sum(1 << bit for bit in data.draw(st.sets(st.integers(0, 63), max_size=9))) for one in hashes[:4]]
    hashes += near
    expected = [
        (i, j, (hashes[i] ^ hashes[j]).bit_count())
        for i in range(len(hashes))
        for j in range(i + 1, len(hashes))
        if (hashes[i] ^ hashes[j]).bit_count() <= distance
    ]

    assert list(near_pairs(np.array(hashes, dtype=np.uint64), distance)) == expected


def test_nothing_has_no_pairs() -> None:
    assert list(near_pairs(np.array([], dtype=np.uint64), 4)) == []
