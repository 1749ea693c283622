"""What the commands of `bintally model` print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bincli.count_text import minute_text
from bincli.model.registry import Package, running
from bincli.model.rollout import APPROVE
from bincli.model.site import Site
from bincli.output import Block, Record
from bincli.tables import Column, Table
from bincli.text import Styled

METRIC = "balanced_within_one"


def status_record(site: Site, packages: Sequence[Package], endpoint: Record) -> Record:
    parameters = site.stack().parameters
    live = running(packages, parameters)
    names = ("ModelImageUri", "ModelDataUrl", "ModelVersion")
    return {
        "stack": site.name,
        **{name: parameters.get(name, "") for name in names},
        "endpoint": endpoint,
        "models": [{**package_record(package, site.name), "live": package is live} for package in packages],
    }


def package_record(package: Package, stack: str) -> Record:
    return {
        "number": package.number,
        "version": package.version,
        "status": package.status,
        "arn": package.arn,
        "image": package.image,
        "location": package.location,
        "created": package.created,
        "deployed": package.deployed_at(stack),
        "replaced": package.replaced_in(stack),
        "metadata": dict(package.metadata),
    }


def status_view(site: Site, packages: Sequence[Package], endpoint: Record) -> Iterator[Block]:
    """The live model, the endpoint, and the registry, newest first."""
    parameters = site.stack().parameters
    live = running(packages, parameters)
    yield f"Live in {site.name}: {live_text(live, parameters.get('ModelDataUrl', ''), parameters)}."
    if endpoint:
        reason = f": {endpoint['reason']}" if endpoint["reason"] else ""
        yield f"Endpoint: {endpoint['status']}{reason}, {endpoint['instances'] or 0} instances."
    if not packages:
        yield f"The registry's group {site.registry.group} has no model yet: `bintally model push` enters one."
        return
    numbers = (Column(name, right=True) for name in ("Model", "Within one"))
    number, quality = numbers
    table = Table([number, Column("Version"), Column("Status"), quality, Column("Created"), Column("Deployed")])
    for package in packages:
        state = Styled(package.status, "green" if package.is_approved else "yellow")
        mark = "live since " if package is live else ""
        dates = minute_text(package.created), f"{mark}{minute_text(package.deployed_at(site.name))}"
        table.add(str(package.number), package.version, state, package.metadata.get(METRIC, "-"), *dates)
    yield table


def live_text(live: Package | None, location: str, parameters: Mapping[str, str]) -> str:
    if live:
        return f"model {live.number} ({live.version})"
    if location:
        return f"{location}, which the registry does not have"
    image = parameters.get("ModelImageUri")
    return f"the weights inside {image}" if image else "no model: the stack has no endpoint"


def pushed_view(package: Package) -> Iterator[Block]:
    yield f"Model {package.number} ({package.version}) is in the registry: {package.status}."
    if not package.is_approved:
        yield "Approve it in SageMaker Studio, or with:"
        yield f"  {APPROVE.format(arn=package.arn)}"
    yield f"Then: bintally model deploy {package.number} --plan"
