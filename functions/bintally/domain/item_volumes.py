"""The mean volume of one item, as orders and the catalogue give it."""

from __future__ import annotations

import re

MIN_ITEM_LITRES, MAX_ITEM_LITRES = 0.001, 1_000.0  # tables keep six decimals, so 0.001 is never stored as 0
DECIMALS = 6
NUMBER = re.compile(r"[0-9]{1,4}(\.[0-9]{1,20})?")


def item_volume_of(value: object) -> float:
    """The litres that a cell of CSV or a JSON value states. Raises ValueError with the end of a sentence.

    Text has digits and a decimal point only: no exponent, no sign, no decimal comma, which could separate thousands.
    """
    number = -1.0
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        number = float(value.strip())
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    if not MIN_ITEM_LITRES <= number <= MAX_ITEM_LITRES:  # nor is NaN
        raise ValueError(f"is not a number of litres from {MIN_ITEM_LITRES} to {MAX_ITEM_LITRES:,.0f}, such as 0.35")
    return round(number, DECIMALS)
