"""`bintally cost`: what a month costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from bintally.domain.jobs import EngineName

from bincli.cost.calculator import Item, Site, compute, month, people_time, total
from bincli.cost.prices import TABLE, Prices, read_prices
from bincli.cost.usage import read_usage
from bincli.errors import exit_on_error
from bincli.options import Json
from bincli.output import Block, Output, Record
from bincli.tables import Column, Table
from bincli.text import Styled

VOLUMES = (0, 10_000, 100_000, 1_000_000)
INSTANCE = "ml.c6i.xlarge"


@dataclass(frozen=True)
class Bill:
    """A site with its month."""

    site: Site
    items: list[Item]
    people: float
    hours: float
    fits: bool

    @property
    def dollars(self) -> float:
        return total(self.items)


def cost(
    images: Annotated[
        list[int] | None, typer.Option("--images", min=0, metavar="N", help="Photos a day. Default: 0, 10k, 100k, 1M.")
    ] = None,
    engine: Annotated[EngineName | None, typer.Option(help="Default: all three.")] = None,
    instance: Annotated[str, typer.Option(metavar="TYPE", help="Instance type.")] = INSTANCE,
    instances: Annotated[int, typer.Option(min=1, metavar="N", help="MaxInstances or BatchInstances.")] = 2,
    rate: Annotated[
        float | None, typer.Option(min=0.1, metavar="N", help="Photos a second of one instance. Default: see --json.")
    ] = None,
    deliveries: Annotated[int, typer.Option(min=1, metavar="N", help="Deliveries a day, each at once.")] = 8,
    photo_kb: Annotated[float, typer.Option(min=1, metavar="KB", help="Size of a photo.")] = 50,
    months_kept: Annotated[float, typer.Option(min=0, metavar="N", help="Months that photos are kept.")] = 12,
    lines: Annotated[float, typer.Option(min=0, metavar="N", help="Order lines for each photo.")] = 1,
    retried: Annotated[float, typer.Option(min=0, max=1, metavar="SHARE", help="Photos counted twice.")] = 0.01,
    looked_at: Annotated[float, typer.Option(min=0, max=1, metavar="SHARE", help="Lines a person looks at.")] = 0.9,
    look_seconds: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="For one line.")] = 15,
    wage: Annotated[float, typer.Option(min=0, metavar="USD", help="Of that person, an hour.")] = 25,
    people: Annotated[int, typer.Option(min=0, metavar="N", help="Users of the desk; 0 for Desk=off.")] = 5,
    prices: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Price table. Default: the shipped one."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Estimate what a month costs on AWS.

    For a stack without photos and for three volumes: each service, the
    instances' start and idle time, retries, storage, alarms, and people's
    time. Requests per photo are measured, prices come from a table with a
    date and a region that nobody has checked: the output names both, and
    --json has every source and assumption. Reads no stack.

    \b
    Exit codes: 0 estimated, 1 the price table lacks something.

    \b
    Examples:
      bintally cost
      bintally cost --images 30000 --engine batch --deliveries 1
      bintally cost --instance ml.c7i.xlarge --prices prices.json --json
    """
    output = Output.standard(as_json)
    with exit_on_error():
        table, usage = read_prices(prices or TABLE), read_usage()
        speed = rate or float(usage["images_per_second"].get(instance, 0)) or Site.images_per_second
        site = Site(0, EngineName.ASYNC, instance, instances, deliveries, speed, photo_kb, months_kept, lines, retried)
        site = replace(site, looked_at=looked_at, look_seconds=look_seconds, wage=wage, people=people)
        engines = [engine] if engine else list(EngineName)
        volumes = images or VOLUMES
        found = {
            each: [bill(replace(site, engine=each, images_a_day=n), table, usage) for n in volumes] for each in engines
        }
        sized = [each for each in engines if each is not EngineName.LAMBDA]
        types = by_instance(site, sized, volumes[-1], table, usage) if sized and not rate else []
        records = (record_of(each, table, usage) for bills in found.values() for each in bills)
        output.emit(records, view(found, types, table))


def bill(site: Site, prices: Prices, usage: Mapping[str, Any]) -> Bill:
    needed = compute(site, usage["assumed"])
    return Bill(site, month(site, prices, usage), people_time(site), needed.hours, needed.fits)


def by_instance(
    site: Site, engines: Sequence[EngineName], images: int, prices: Prices, usage: Mapping[str, Any]
) -> list[tuple[str, list[Bill]]]:
    """The bills of the largest volume on each instance type that has a price and a rate."""
    rates: Mapping[str, Any] = usage["images_per_second"]
    names = [name for name in rates if name in prices.table["sagemaker"]["instance_hour"]]

    def on(name: str, engine: EngineName) -> Bill:
        there = replace(site, instance=name, engine=engine, images_a_day=images, images_per_second=float(rates[name]))
        return bill(there, prices, usage)

    return [(name, [on(name, engine) for engine in engines]) for name in names]


def record_of(bill: Bill, prices: Prices, usage: Mapping[str, Any]) -> Record:
    return {
        "site": asdict(bill.site),
        "usd_a_month": round(bill.dollars, 2),
        "usd_a_month_fixed": round(total([item for item in bill.items if item.is_fixed]), 2),
        "usd_a_month_people": round(bill.people, 2),
        "items": [{**asdict(item), "dollars": round(item.dollars, 4)} for item in bill.items],
        "instance_hours": round(bill.hours, 1),
        "fits": bill.fits,
        "prices": {"date": prices.table.get("date"), "region": prices.table.get("region"), "sources": prices.sources},
        "usage": usage,
    }


def view(
    found: Mapping[EngineName, Sequence[Bill]], types: Sequence[tuple[str, Sequence[Bill]]], prices: Prices
) -> Iterator[Block]:
    for engine, bills in found.items():
        place = "" if engine is EngineName.LAMBDA else f", {bills[0].site.instance}"
        yield Styled(f"USD a month with the engine {engine}{place}", "bold")
        yield bills_table(bills)
        yield ""
    if types:
        site = types[0][1][0].site
        yield Styled(f"USD a month of instances at {site.images_a_day:,} photos a day, by type", "bold")
        yield types_table(types)
        yield ""
    slow = [each.site for bills in found.values() for each in bills if not each.fits]
    for site in slow:
        what = "5 invocations" if site.engine is EngineName.LAMBDA else f"{site.instances} x {site.instance}"
        yield Styled(f"{what} can't count {site.images_a_day:,} photos a day.", "bold red")
    yield Styled(f"Prices: {prices.origin}", "dim")
    yield Styled("Requests per photo are measured; times and sizes are assumptions. --json lists all of them.", "dim")


def bills_table(bills: Sequence[Bill]) -> Table:
    table = Table([Column("Photos a day"), *(Column(f"{bill.site.images_a_day:,}", right=True) for bill in bills)])
    for place, item in enumerate(bills[0].items):
        table.add(item.name, *(f"{bill.items[place].dollars:,.2f}" for bill in bills))
    table.add(Styled("AWS", "bold"), *(Styled(f"{bill.dollars:,.2f}", "bold") for bill in bills))
    table.add("for 1,000 photos", *(per_thousand(bill) for bill in bills))
    table.add("people's time", *(f"{bill.people:,.0f}" for bill in bills))
    return table


def per_thousand(bill: Bill) -> str:
    return f"{bill.dollars / bill.site.images * 1000:,.3f}" if bill.site.images else "-"


def types_table(types: Sequence[tuple[str, Sequence[Bill]]]) -> Table:
    engines = (Column(str(bill.site.engine), right=True) for bill in types[0][1])
    table = Table([Column("Type"), Column("Photos/s", right=True), *engines])
    for name, bills in types:
        cells = (f"{bill.items[0].dollars:,.2f}{'' if bill.fits else ' (too slow)'}" for bill in bills)
        table.add(name, f"{bills[0].site.images_per_second:g}", *cells)
    return table
