"""Photographs and their records from a source, many at once, each verified before it gets its name, and resumable.

What was read is noted in `<out>/.collect/`, so that a run that was stopped asks for nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import astuple, dataclass, field
from pathlib import Path

from binmodel.images import ImageError, decode

from binlab.data.dataset import CLASSES, photo_path, read_labels, record_path
from binlab.data.draws import batches, even_shares, shuffled
from binlab.data.files import table, write_whole
from binlab.data.notes import Notes
from binlab.data.records import expected_quantity, parse_record
from binlab.data.sources import Source, SourceError, read_whole

NO_COUNT = -1
BATCH = 256  # photographs or records asked for together
Chosen = tuple[str, bytes | None]  # an id, and its record where that was just read


@dataclass(frozen=True)
class Failure:
    """A photograph that is not there, with a word for programs and a reason for people."""

    id: str
    reason: str
    detail: str


@dataclass
class Collection:
    """A folder that is being filled from `source`. `labels` are counts that are known beside the records."""

    source: Source
    out: Path
    labels: Mapping[str, int]
    counts: Notes  # of every record that was read, NO_COUNT where it has none
    sizes: Notes  # in bytes, of every photograph that was verified
    pause: Callable[[float], None] = time.sleep
    failures: list[Failure] = field(default_factory=list)

    def drawn(self, photos: int, seed: int, pool: Executor) -> Iterator[Chosen]:
        """`photos` in all where there are as many, of each class as many as of another.

        The order of the draw depends on the seed and the ids alone, so a run that goes on draws the same ones.
        """
        wanted = even_shares(photos, CLASSES)
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
        """Each id of `chosen`, once it is there or in `failures`. Raises SourceError when a whole batch fails."""
        for batch in batches(chosen, BATCH):
            failures = []
            for (name, _), failure in zip(batch, pool.map(self._fetch, batch), strict=True):
                failures += [failure] if failure else []
                yield name
            self._note(batch, failures)

    def _note(self, batch: Sequence[object], failures: Sequence[Failure]) -> None:
        self.failures += failures
        if failures and len(failures) == len(batch) and all(each.reason == "unreachable" for each in failures):
            raise SourceError("unreachable", f"none of {len(batch)} in a row can be read. {failures[-1].detail}")

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
            photo = read_whole(self.source, f"bin-images/{name}.jpg", self.pause)
            decode(photo, side=32)
            self._keep_record(name, record)
        except SourceError as error:
            return Failure(name, error.code, str(error))
        except ImageError as error:
            return Failure(name, error.code, error.message)
        write_whole(photo_path(self.out, name), photo)
        self.sizes.add(name, len(photo))
        return None

    def _is_there(self, name: str) -> bool:
        path = photo_path(self.out, name)
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
            raise SourceError("no_count", f"metadata/{name}.json has no EXPECTED_QUANTITY, or is no JSON object")
        self.counts.add(name, count)
        write_whole(record_path(self.out, name), data)

    def write_lists(self) -> None:
        """`failed.csv`, and the counts that are known beside the records as `labels.csv`; neither where it is empty."""
        known = {name: self.labels[name] for name in self.sizes if name in self.labels}
        labels = {**read_labels(self.out), **known}
        _write_table(self.out / "failed.csv", ("id", "reason", "detail"), sorted(map(astuple, self.failures)))
        _write_table(self.out / "labels.csv", ("id", "count"), sorted(labels.items()))


def _write_table(path: Path, header: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        write_whole(path, table((header, *rows)).encode())
    else:
        path.unlink(missing_ok=True)
