"""A candidate model on photos that a stack has stored: which counts and verdicts would change."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from bintally.domain.bins import BinCount, BinStatus
from bintally.domain.due import site_zone
from bintally.domain.intervals import number_text
from bintally.domain.manifest import parse_output
from bintally.domain.verdicts import OrderLine, Verdict, line_verdict
from bintally.usecases.collect import count_of

from bincli.deployment import Deployment
from bincli.errors import INCOMPLETE, CommandError
from bincli.files import EXTENSIONS
from bincli.site_settings import rules_in_use, variables_of
from bincli.stored_photos import stored_photo

WORKERS = 6
CountPhotos = Callable[[Path, Path], list[dict[str, Any]]]
Judge = Callable[[OrderLine, BinCount], Verdict]


@dataclass(frozen=True)
class Comparison:
    """One photo: what the bin shows, what the candidate says, and each order line's verdict on both."""

    before: BinCount
    after: BinCount
    verdicts: tuple[tuple[OrderLine, Verdict, Verdict], ...] = ()
    photo: Path | None = None

    @property
    def count_changes(self) -> bool:
        return (self.before.count, self.before.at_least) != (self.after.count, self.after.at_least)

    @property
    def difference(self) -> int:
        """How many items the counts are apart; a photo that only the candidate can't read is far apart."""
        numbers = [each.at_least if each.count is None else each.count for each in (self.before, self.after)]
        return 100 if None in numbers else abs((numbers[0] or 0) - (numbers[1] or 0))

    @property
    def changed_verdicts(self) -> list[tuple[OrderLine, Verdict, Verdict]]:
        return [each for each in self.verdicts if each[1] is not each[2]]


def newest_counts(deployment: Deployment, limit: int) -> list[BinCount]:
    """The counts of the bins with the newest photos."""
    counted = (count for count in deployment.bins.all() if count.status is BinStatus.COUNTED)
    return sorted(counted, key=lambda count: (count.image.captured_at, count.bin_id), reverse=True)[:limit]


def download(s3: Any, counts: Sequence[BinCount], folder: Path) -> dict[str, Path]:
    """The photos that are still in the bucket, by image id."""

    def fetch(count: BinCount) -> Path | None:
        data = stored_photo(s3, count.image)
        if data is None:
            return None
        suffix = PurePosixPath(count.image.key).suffix.lower()
        path = folder / f"{count.image.image_id}{suffix if suffix in EXTENSIONS else '.jpg'}"
        path.write_bytes(data)
        return path

    with ThreadPoolExecutor(WORKERS) as pool:
        paths = dict(zip((count.image.image_id for count in counts), pool.map(fetch, counts), strict=True))
    return {image_id: path for image_id, path in paths.items() if path}


def count_in_subprocess(model: Path, photos: Path) -> list[dict[str, Any]]:
    """What `bintally count` says of the photos, in a process of its own: a model that crashes ends nothing else.

    Raises CommandError if it does.
    """
    argv = [sys.executable, "-c", "from bincli.main import app; app()", "count", str(photos), "--json"]
    done = subprocess.run([*argv, "--model", str(model)], capture_output=True, text=True, check=False)
    if done.returncode not in (0, INCOMPLETE):
        raise CommandError(f"The candidate {model} could not count: {done.stderr.strip()[-500:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def candidate_counts(
    counts: Sequence[BinCount], photos: Mapping[str, Path], model: Path, count: CountPhotos
) -> dict[str, BinCount]:
    """The candidate's count of each photo, by image id."""
    if not photos:
        return {}
    records = count(model, next(iter(photos.values())).parent)
    by_id = {Path(record["image"]).stem: record for record in records}
    results = parse_output("\n".join(json.dumps({**record, "image_id": each}) for each, record in by_id.items()))
    return {
        each.image.image_id: count_of(each.image, results[each.image.image_id])
        for each in counts
        if each.image.image_id in results
    }


def compare(
    counts: Iterable[BinCount], candidates: Mapping[str, BinCount], lines: Iterable[OrderLine], judge: Judge
) -> list[Comparison]:
    """Each photo that the candidate answered for, the worst change first."""
    ordered: dict[str, list[OrderLine]] = {}
    for line in lines:
        if line.verdict is not Verdict.WITHDRAWN:
            ordered.setdefault(line.bin_id, []).append(line)
    found = []
    for before in counts:
        after = candidates.get(before.image.image_id)
        if after:
            verdicts = [(line, judge(line, before), judge(line, after)) for line in ordered.get(before.bin_id, [])]
            found.append(Comparison(before, after, tuple(verdicts)))
    return sorted(found, key=lambda one: (-len(one.changed_verdicts), -one.difference, one.before.bin_id))


def judge_of(deployment: Deployment) -> Judge:
    """Judges order lines by the stack's own rules, whether due or not."""
    variables = variables_of(deployment)
    rules = rules_in_use(deployment, variables)
    zone = site_zone(variables.get("SITE_TIME_ZONE", "UTC"))

    def judge(line: OrderLine, count: BinCount) -> Verdict:
        open_line = replace(line, due_at=None)
        return line_verdict(open_line, count, now="", rules=rules, zone=zone).verdict

    return judge


def transitions(found: Iterable[Comparison]) -> Counter[tuple[str, str]]:
    """How often a verdict becomes another, or stays."""
    return Counter((str(before), str(after)) for one in found for _, before, after in one.verdicts)


def change_text(one: Comparison) -> str:
    """`3 > 6+`"""
    before, after = (number_text(each.count, each.at_least) for each in (one.before, one.after))
    return f"{before} > {after}"
