import math
from pathlib import Path

import numpy as np
import pytest
from binlab.data.dataset import read_images
from binlab.data.synthetic import write_bin
from binlab.data.volumes import litres_of, log_litres


def side(value: float, unit: str = "IN") -> dict[str, object]:
    return {"value": value, "unit": unit}


def item(quantity: int, *sides: float, unit: str = "IN") -> dict[str, object]:
    named = zip(("length", "width", "height"), sides, strict=False)
    return {"quantity": quantity, **{name: side(value, unit) for name, value in named}}


def record(*items: dict[str, object]) -> dict[str, object]:
    return {"BIN_FCSKU_DATA": {f"A{number}": each for number, each in enumerate(items)}}


def test_the_volume_is_that_of_all_items() -> None:
    bin_of_three = record(item(2, 10, 10, 10, unit="CM"), item(1, 5, 20, 10, unit="CM"), item(0))

    assert litres_of(bin_of_three, 3) == pytest.approx(3.0)
    assert litres_of(record(item(1, 10, 10, 10)), 1) == pytest.approx(16.387064)


@pytest.mark.parametrize(
    "unknown",
    [
        {},
        record(item(2, 4, 5)),
        record(item(1, 4, 5, 6), item(1)),
        record(item(3, 4, 5, 6)),
        record(item(2, 0.1, 0.1, 0.1)),
        record(item(2, 99, 99, 99)),
        record(item(2, 4, 5, 6, unit="furlongs")),
    ],
    ids=["no record", "a side is missing", "an item has none", "another count", "tiny", "huge", "unit"],
)
def test_an_unknown_volume_is_masked(unknown: dict[str, object]) -> None:
    assert litres_of(unknown, 2) is None


def test_volumes_stand_in_the_order_of_their_photos(tmp_path: Path) -> None:
    for number, count in ((10, 2), (20, 0), (30, 3)):
        write_bin(tmp_path, number, count)

    found = log_litres(tmp_path, read_images(tmp_path))
    assert found == pytest.approx([math.log(2.0), np.nan, math.log(3.0)], nan_ok=True)
