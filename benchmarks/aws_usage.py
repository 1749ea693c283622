"""Section `aws`: requests, DynamoDB write units and dollars for an image, against a job and a request for each image.

Runs the use cases on the real adapters against moto, with a counter at the SDK: one job of many images, and as many
images in jobs of their own. Nothing here depends on the machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bincli.commands.cost import INSTANCE
from bincli.cost.calculator import DAYS, MILLION, Site, month
from bincli.cost.prices import read_prices
from bincli.cost.usage import read_usage
from bintally.adapters.events import EventBus
from bintally.domain.jobs import EngineName
from bintally.usecases.collect import collect
from bintally.usecases.intake import ingest

from benchmarks.measure import Options, Row, rounded
from tests.unit.cli.cost.metering import SERVICES, metered
from tests.unit.cli.cost.test_usage import answer
from tests.unit.functions.adapters.contracts.ports import adapters
from tests.unit.functions.aws import client, empty_stack
from tests.unit.functions.examples import NOW, make_images
from tests.unit.functions.usecases.runs import POLICY

NUMBER, ONE_BY_ONE, QUICK = 500, 20, 10
SETTLED = NOW + timedelta(seconds=1)
COUNTED, DESIGN = "counted", "by design"
UNITS = ("write_units", "index_units")
RECEIVED = 10  # messages of a standard queue that Lambda's poller receives at a time
# What each rhythm is: images a day, deliveries a day.
RHYTHMS = {
    "flood: a million a day at once": (1_000_000, 1),
    "10,000 a day in hourly bursts": (10_000, 24),
    "trickle: 100 a day, an image at a time": (100, 100),
}


def run(options: Options) -> dict[str, Any]:
    number = QUICK if options.quick else NUMBER
    singles = 2 if options.quick else ONE_BY_ONE
    ours, other = counted(number, number), counted(singles, 1)
    operations = [*by_operation(ours, other, number)]
    dollars = [{"name": name, "modes": by_mode(*rhythm)} for name, rhythm in RHYTHMS.items()]
    flood, words = flood_of(dollars)
    return {
        "number": number,
        "operations": operations,
        "totals": {way: totals(operations, way) for way in ("ours", "one_by_one")},
        "dollars": dollars,
        "flood": flood,
        "flood_words": words,
        "prices": read_prices().origin,
    }


def counted(number: int, batch: int) -> dict[str, float]:
    """Requests by operation, and units, for an image: `number` images in jobs of `batch`, from arrival to count."""
    images, counts = make_images(number), Counter[str]()
    with empty_stack():
        dependencies = adapters()
        dependencies.events = EventBus(client("events"))
        dependencies.engine = lambda name: getattr(dependencies, f"{name}_engine")
        for at in range(0, number, batch):
            some = images[at : at + batch]
            known = {job.job_id for job in dependencies.jobs.all()}
            with requests_made() as requests, metered() as units:
                ingest(dependencies, some, policy=POLICY, now=NOW)
            counts += requests + units
            (job,) = (job for job in dependencies.jobs.all() if job.job_id not in known)
            result = answer(dependencies, job, some)
            with requests_made() as requests, metered() as units:
                collect(dependencies, result, policy=POLICY, now=SETTLED)
            counts += requests + units
    return {name: count / number for name, count in counts.items()}


@contextmanager
def requests_made() -> Iterator[Counter[str]]:
    """Requests to the simulated AWS by service and operation, but not those of `metered` itself.

    Its own are scans of whole tables, which the functions never make.
    """
    counts: Counter[str] = Counter()

    def count(model: Any, **_: Any) -> None:
        if model.name not in ("Scan", "ListTables"):
            counts[f"{model.service_model.service_name} {model.name}"] += 1

    for service in SERVICES:
        client(service).meta.events.register(f"before-call.{service}.*", count)
    try:
        yield counts
    finally:
        for service in SERVICES:
            client(service).meta.events.unregister(f"before-call.{service}.*", count)


def by_operation(ours: Mapping[str, float], other: Mapping[str, float], number: int) -> Iterator[Row]:
    """Each operation with its requests for an image, then the write units."""

    def row(name: str, how: str, mine: float, theirs: float, part: str = "requests") -> Row:
        return {"name": name, "how": how, "ours": rounded(mine), "one_by_one": rounded(theirs), "part": part}

    for name in sorted(name for name in ours.keys() | other.keys() if " " in name):
        yield row(name, COUNTED, ours.get(name, 0), other.get(name, 0))
    yield row("sagemaker-runtime InvokeEndpointAsync", DESIGN, 1 / number, 1)
    yield row("S3 reads of the photo by the container", DESIGN, 1, 1)
    yield row("SNS messages with a result", DESIGN, 1 / number, 1)
    yield row("SQS receives and deletes by Lambda's pollers, 10 messages each", DESIGN, 2 / RECEIVED, 0)
    yield row("invocations of intake and collect", DESIGN, 2 / number, 2)
    for name in UNITS:
        yield row(f"DynamoDB {name.replace('_', ' ')}", COUNTED, ours[name], other[name], "write_units")


def totals(operations: list[Row], way: str) -> dict[str, float]:
    parts = ("requests", "write_units")
    return {part: rounded(sum(row[way] for row in operations if row["part"] == part)) for part in parts}


def site_of(engine: EngineName, images_a_day: int, deliveries: int) -> Site:
    """No photos are kept beyond their month, and nobody uses the desk: what counting costs."""
    rate = float(read_usage()["images_per_second"][INSTANCE])
    site = Site(images_a_day, engine, INSTANCE, deliveries=deliveries, images_per_second=rate)
    return replace(site, months_kept=0, people=0)


def by_mode(images_a_day: int, deliveries: int) -> dict[str, float]:
    """Dollars for a million images in each mode."""
    return {
        str(engine): rounded(sum(bill(engine, images_a_day, deliveries).values()), 4)
        for engine in (EngineName.ASYNC, EngineName.BATCH, EngineName.LAMBDA)
    }


def bill(engine: EngineName, images_a_day: int, deliveries: int) -> dict[str, float]:
    """Dollars for a million images by position."""
    items = month(site_of(engine, images_a_day, deliveries), read_prices(), read_usage())
    return {item.name: item.dollars / (images_a_day * DAYS) * MILLION for item in items}


def flood_of(dollars: list[Row]) -> tuple[float, str]:
    """The cheapest mode of the flood, and its positions in words."""
    flood = dollars[0]["modes"]
    mode = min(flood, key=flood.__getitem__)
    positions = bill(EngineName(mode), *next(iter(RHYTHMS.values())))
    largest = sorted(positions, key=positions.__getitem__, reverse=True)[:6]
    words = ", ".join(f"{name} {positions[name]:.2f}" for name in largest)
    return flood[mode], f"The flood in mode `{mode}` is mostly: {words}."
