"""Roughly what counting photos once costs on AWS: `bintally cost` without what is paid by the month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bintally.domain.jobs import EngineName

from bincli.cost.calculator import DAYS, Site, compute, month
from bincli.cost.prices import Prices, read_prices
from bincli.cost.usage import read_usage

INSTANCE = "ml.c6i.xlarge"


@dataclass(frozen=True)
class Estimate:
    """US dollars and instance hours for counting so many images with an engine."""

    engine: EngineName
    images: int
    instance_hours: float
    dollars: float


def estimate(
    engine: EngineName, images: int, prices: Prices | None = None, usage: Mapping[str, Any] | None = None
) -> Estimate:
    """What `images` cost if they arrive together, with one order line each."""
    prices, usage = prices or read_prices(), usage or read_usage()
    site = Site(images, engine, INSTANCE, deliveries=1, months_kept=0)
    hours = compute(site, usage["assumed"]).hours / DAYS
    dollars = sum(item.dollars for item in month(site, prices, usage) if not item.is_fixed) / DAYS
    return Estimate(engine, images, round(hours, 2), round(dollars, 2))


def assumption() -> str:
    """What the estimates rest on, in a sentence."""
    site = Site(0, EngineName.ASYNC, INSTANCE)
    return (
        f"{site.instances} {INSTANCE}, {site.images_per_second:g} photos/s each, without storage. "
        f"`bintally cost` shows every position. Prices: {read_prices().origin}"
    )
