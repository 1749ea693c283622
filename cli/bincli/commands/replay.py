"""`bintally model replay`: what a candidate model would change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from bincli.deployment import Deployment, open_deployment
from bincli.errors import CommandError, exit_on_error
from bincli.options import Json, Profile, Region, Stack
from bincli.output import Output

if TYPE_CHECKING:
    from bincli.model.replay import Comparison, CountPhotos

LIVE = "live"
FOOTER = "Bars: the candidate's probability of each count; the ring marks the expected number. Counts: now > candidate."


def replay(
    candidate: Annotated[
        str, typer.Argument(metavar="MODEL", help="Model folder, model.tar.gz, or a model of the registry.")
    ],
    against: Annotated[
        str, typer.Option(metavar="MODEL", help="What to compare with: live, or another folder or model.tar.gz.")
    ] = LIVE,
    images: Annotated[int, typer.Option(min=1, metavar="N", help="Number of photos.")] = 500,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Draw the worst changes here (PNG).")
    ] = None,
    group: Annotated[str, typer.Option("--group", metavar="NAME", help="Group of the registry.")] = "bintally",
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Compare a model with the live one on stored photos.

    Downloads the newest photos that bins show, counts them on this machine
    with MODEL, and compares counts and verdicts with what the stack has.
    Changes nothing in the stack. Counts of the live model are those that
    are stored; with --against, another model counts on this machine, too.

    \b
    Exit codes: 0 compared, 1 it could not be compared.

    \b
    Examples:
      bintally model replay .work/artifact --report changes.png
      bintally model replay 3 --stack prod --images 1000 --against live
      bintally model replay new.tar.gz --against old.tar.gz --json
    """
    from bincli.model.replay import count_in_subprocess
    from bincli.model.replay_view import replay_record, replay_view

    output = Output.standard(as_json)
    with exit_on_error(), TemporaryDirectory() as folder:
        deployment = open_deployment(stack, region, profile)
        with output.err.status("Replaying stored photos"), model_of(candidate, deployment, group) as model:
            found, missing = run_replay(
                deployment, model, against, images, Path(folder), count=count_in_subprocess, report=report
            )
        record = replay_record(found, missing)
        output.emit([record], replay_view(record, report))


def run_replay(
    deployment: Deployment,
    model: Path,
    against: str,
    images: int,
    folder: Path,
    *,
    count: CountPhotos,
    report: Path | None,
) -> tuple[list[Comparison], int]:
    """The comparisons, the worst first, and how many photos are gone. Photos are kept in `folder`, which is empty."""
    from bincli.demo.contact_sheet import save_png, tile_sheet
    from bincli.model.bundle import unpacked
    from bincli.model.replay import candidate_counts, compare, download, judge_of, newest_counts
    from bincli.model.replay_view import tiles

    counts = newest_counts(deployment, images)
    if not counts:
        raise CommandError(f"No bin of {deployment.name} is counted yet: there is nothing to compare with.")
    photos = download(deployment.s3, counts, folder)
    if against != LIVE:
        with unpacked(Path(against)) as other:
            others = candidate_counts(counts, photos, other.folder, count)
        counts = [others[each.image.image_id] for each in counts if each.image.image_id in others]
    after = candidate_counts(counts, photos, model, count)
    found = compare(counts, after, deployment.orders.all(), judge_of(deployment))
    if report:
        changed = tiles(found, photos)
        save_png(tile_sheet(changed, f"{len(changed):,} of {len(found):,} photos change", FOOTER), report)
    return found, len(counts) - len(found)


@contextmanager
def model_of(name: str, deployment: Deployment, group: str) -> Iterator[Path]:
    """The folder of a model: of a folder or bundle on this machine, or of a bundle in the registry."""
    from bincli.model.bundle import unpacked
    from bincli.model.registry import Registry
    from bincli.model.store import split

    if Path(name).exists():
        with unpacked(Path(name)) as artifact:
            yield artifact.folder
        return
    package = Registry(deployment.client("sagemaker"), group).find(name)
    bucket, key = split(package.location)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.tar.gz"
        path.write_bytes(deployment.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        with unpacked(path) as artifact:
            yield artifact.folder
