"""Collect photos and their records from a source: in parallel, verified, and resumable.

Everything read is logged in `<out>/.collect/`, so an interrupted run does not read it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import astuple, dataclass, field
from pathlib import Path

from binmodel.images import ImageError, decode

from binlab.data.dataset import CLASSES, image_path, read_labels, record_path
from binlab.data.files import NumberLog, csv_text, write_whole
from binlab.data.records import expected_quantity, parse_record
from binlab.data.sampling import batches, even_shares, shuffled
from binlab.data.sources import Source, SourceError, read_whole

NO_COUNT = -1
BATCH = 256  # images or records read together
Chosen = tuple[str, bytes | None]  # an id, and its record if that was just read


@dataclass(frozen=True)
class Failure:
    """An image that could not be collected: `reason` is a code, `detail` explains it for people."""

    id: str
    reason: str
    detail: str


@dataclass
class Collection:
    """A folder being filled from `source`. `labels` are counts known from elsewhere than the records."""

    source: Source
    out: Path
    labels: Mapping[str, int]
    counts: NumberLog  # of every record read; NO_COUNT if it has none
    sizes: NumberLog  # in bytes, of every verified image
    pause: Callable[[float], None] = time.sleep
    failures: list[Failure] = field(default_factory=list)

    def sample(self, images: int, seed: int, pool: Executor) -> Iterator[Chosen]:
        """Up to `images` ids in total, evenly over the classes.

        The order depends only on the seed and the ids, so a resumed run samples the same ones.
        """
        wanted = even_shares(images, CLASSES)
        for batch in batches(shuffled(self.source.ids(), seed), BATCH):
            counted = list(zip(batch, pool.map(self._count, batch), strict=True))
            self._note(batch, [found for _, found in counted if isinstance(found, Failure)])
            for name, found in counted:
                if not isinstance(found, Failure) and wanted.get(found[0], 0):
                    wanted[found[0]] -= 1
                    yield name, found[1]
            if not any(wanted.values()):
                return

    def fetch(self, chosen: Iterable[Chosen], pool: Executor) -> Iterator[str]:
        """Yield each id of `chosen` once collected or in `failures`. Raises SourceError if a whole batch fails."""
        for batch in batches(chosen, BATCH):
            failures = []
            for (name, _), failure in zip(batch, pool.map(self._fetch, batch), strict=True):
                failures += [failure] if failure else []
                yield name
            self._note(batch, failures)

    def _note(self, batch: Sequence[object], failures: Sequence[Failure]) -> None:
        self.failures += failures
        if failures and len(failures) == len(batch) and all(each.reason == "unreachable" for each in failures):
            raise SourceError(
                "unreachable", f"None of {len(batch)} objects in a row could be read. {failures[-1].detail}"
            )

    def _count(self, name: str) -> tuple[int, bytes | None] | Failure:
        known = self.labels.get(name, self.counts.get(name))
        if known is not None:
            return known, None
        record = b""
        try:
            record = read_whole(self.source, f"metadata/{name}.json", self.pause)
        except SourceError as error:
            if error.code != "missing":
                return Failure(name, error.code, str(error))
        count = expected_quantity(parse_record(record))
        self.counts.add(name, NO_COUNT if count is None else count)
        return self.counts[name], record

    def _fetch(self, chosen: Chosen) -> Failure | None:
        name, record = chosen
        if self._is_there(name):
            return None
        try:
            image = read_whole(self.source, f"bin-images/{name}.jpg", self.pause)
            decode(image, side=32)
            self._keep_record(name, record)
        except SourceError as error:
            return Failure(name, error.code, str(error))
        except ImageError as error:
            return Failure(name, error.code, error.message)
        write_whole(image_path(self.out, name), image)
        self.sizes.add(name, len(image))
        return None

    def _is_there(self, name: str) -> bool:
        path = image_path(self.out, name)
        return name in self.sizes and path.exists() and path.stat().st_size == self.sizes[name]

    def _keep_record(self, name: str, record: bytes | None) -> None:
        try:
            data = record or read_whole(self.source, f"metadata/{name}.json", self.pause)
        except SourceError as error:
            if error.code != "missing" or name not in self.labels:
                raise
            self.counts.add(name, self.labels[name])
            return
        count = self.labels.get(name, expected_quantity(parse_record(data)))
        if count is None:
            raise SourceError("no_count", f"metadata/{name}.json has no EXPECTED_QUANTITY, or is not a JSON object")
        self.counts.add(name, count)
        write_whole(record_path(self.out, name), data)

    def write_lists(self) -> None:
        """Write failed.csv, and labels.csv with the counts known from elsewhere. An empty list writes no file."""
        known = {name: self.labels[name] for name in self.sizes if name in self.labels}
        labels = {**read_labels(self.out), **known}
        _write_table(self.out / "failed.csv", ("id", "reason", "detail"), sorted(map(astuple, self.failures)))
        _write_table(self.out / "labels.csv", ("id", "count"), sorted(labels.items()))


def _write_table(path: Path, header: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        write_whole(path, csv_text((header, *rows)).encode())
    else:
        path.unlink(missing_ok=True)
