from __future__ import annotations

import pytest
from bintally.domain.volume import Volume, litres_text, volume_of

from tests.unit.functions.examples import TWO_LITRES


def test_facts_are_those_of_the_volume() -> None:
    assert volume_of(TWO_LITRES.facts()) == TWO_LITRES
    assert TWO_LITRES.estimate() == {"litres": 2.0, "low": 1.0, "high": 4.0, "coverage": 0.9}


@pytest.mark.parametrize(
    "wrong",
    [
        {"litres": 0.0},
        {"litres": -1},
        {"litres": float("nan")},
        {"litres": float("inf"), "high": float("inf")},
        {"litres": 1e9, "high": 1e9},
        {"litres": True},
        {"litres": [2]},
        {"low": -0.1},
        {"low": 2.5},
        {"high": 1.5},
        {"high": 10**40},
        {"coverage": 1.1},
        {"log_sd": 0.0},
        {"log_sd": float("nan")},
        {"log_sd": 1e6},
        {"count_weight": -0.1},
        {"volume_weight": 11},
    ],
    ids=str,
)
def test_nonsense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"({'|'.join(wrong)}) is|could not convert"):
        volume_of(TWO_LITRES.facts() | wrong)


@pytest.mark.parametrize("name", TWO_LITRES.facts())
def test_every_fact_is_needed(name: str) -> None:
    facts = TWO_LITRES.facts()
    del facts[name]

    with pytest.raises(KeyError, match=name):
        volume_of(facts)


@pytest.mark.parametrize(
    ("litres", "text"),
    [(0, "0.00 l"), (0.004, "0.004 l"), (0.0221, "0.022 l"), (0.352, "0.35 l"), (2.14, "2.1 l"), (9.96, "10.0 l"),
     (36.4, "36 l"), (1234, "1,234 l")],
)  # fmt: skip
def test_litres_have_as_many_digits_as_an_estimate_deserves(litres: float, text: str) -> None:
    assert litres_text(litres) == text


def test_a_volume_is_frozen() -> None:
    assert hash(Volume(**TWO_LITRES.facts())) == hash(TWO_LITRES)
