"""`manifest.csv` of a prepared folder: what each photograph is, and on which side of the split, decided once."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from binlab.data.records import Contents

MANIFEST = "manifest.csv"


@dataclass(frozen=True)
class Row:
    """One photograph: `group` is the smallest id of those that may show the same bin; size in pixels, upright."""

    id: str
    count: int
    side: str
    group: str
    sha256: str
    width: int
    height: int
    contents: Contents


def read_manifest(root: Path) -> list[Row] | None:
    """The rows, ordered by id; None where `root` was not prepared. Raises ValueError for a file that is not ours."""
    path = root / MANIFEST
    if not path.exists():
        return None
    with path.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        if table.fieldnames != [field.name for field in fields(Row)]:
            raise ValueError(f"{path} has other columns than prepare.py writes. Run prepare.py again.")
        return [_row(line) for line in table]


def manifest_text(rows: Iterable[Row]) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, [field.name for field in fields(Row)], lineterminator="\n")
    table.writeheader()
    for row in rows:
        contents = " ".join(f"{asin}:{quantity}" for asin, quantity in row.contents)
        table.writerow({**asdict(row), "contents": contents})
    return text.getvalue()


def _row(line: dict[str, str]) -> Row:
    contents = (item.rpartition(":") for item in line["contents"].split())
    return Row(
        id=line["id"],
        count=int(line["count"]),
        side=line["side"],
        group=line["group"],
        sha256=line["sha256"],
        width=int(line["width"]),
        height=int(line["height"]),
        contents=tuple((asin, int(quantity)) for asin, _, quantity in contents),
    )
