"""What a job costs at most, from a table of list prices."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("prices.json")


def price_of(options: argparse.Namespace) -> str:
    """The highest price of the job that `options` describe, in a sentence or two; "" for what is no job."""
    kind = getattr(options, "instance_type", None)
    if not kind:
        return ""
    table: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    number = getattr(options, "instances", 1) * getattr(options, "trials", 1)
    what = f"{number:,} x {kind} for up to {options.hours:g} h each"
    rate = table["instance_hour"].get(kind)
    if rate is None:
        return f"Price not known: {what}. See {table['source']}."
    less = "" if getattr(options, "on_demand", True) else " Spot instances cost less."
    return (
        f"At most {number * options.hours * rate:,.2f} USD: {what} at {rate:g} USD/h (list price of {table['region']}, "
        f"{table['date']}, not checked; without disks and storage).{less}"
    )
