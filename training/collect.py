"""Collect photographs of the Amazon Bin Image Dataset, with the warehouse's records of what is in them.

    python training/collect.py --out .work/bins                               # 10,000 photographs, 2,000 of each class
    python training/collect.py --out .work/bins --list file_list.json         # those of a list
    python training/collect.py --out .work/bins --all                         # half a million, about 30 GB
    python training/collect.py --out .work/bins --source DIR --photos 50      # a try-out, from a folder in that layout

No AWS account is needed: the bucket is public. Each photograph is checked against its length, its MD5 and a decoder
before it gets its name. A run that was stopped, or that left some out, goes on when it is started again.

A draw needs each bin's count first, so records are read in an order that --seed decides, until each of the classes 1
to 5 has its share; about 26,000 records for 10,000 photographs, since one bin in thirteen holds a single item.

Exit status: 0 all are there, 2 bad usage or no source, 3 some are not: `failed.csv` says which and why, run it again.
Licence of the photographs: CC BY-NC-SA 3.0 US, credit Amazon (https://registry.opendata.aws/amazon-bin-imagery/).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
from binlab.data.collecting import Chosen, Collection
from binlab.data.files import write_whole
from binlab.data.notes import Notes
from binlab.data.sources import Blob, Folder, Source, SourceError, labels_of, listed
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm

REGION = "us-east-1"
CODES = {"NoSuchKey": "missing", "AccessDenied": "refused"}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to fill: bin-images/, metadata/")
    parser.add_argument("--source", default="s3://aft-vbi-pds", help="s3://BUCKET or a folder (default: %(default)s)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--photos", type=int, default=10_000, help="as many of each class (default: %(default)s)")
    what.add_argument("--list", type=Path, metavar="FILE", help='JSON: {"1": ["data/metadata/100313.json", ...], ...}')
    what.add_argument("--all", action="store_true", help="every photograph")
    parser.add_argument("--seed", type=int, default=7, help="of the draw (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=16, help="requests at once (default: %(default)s)")
    parser.add_argument("--tries", type=int, default=6, help="of a request that fails (default: %(default)s)")
    parser.add_argument("--endpoint", metavar="URL", help="of another S3 than AWS's")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines for people")
    options = parser.parse_args(arguments)
    if min(options.photos, options.workers, options.tries) < 1:
        parser.error("--photos, --workers and --tries start at 1")
    if not options.source.startswith("s3://") and not (Path(options.source) / "bin-images").is_dir():
        parser.error(f"--source {options.source} is neither s3://BUCKET nor a folder that holds bin-images/")
    return options


class Bucket:
    """A bucket that anybody may read.

    Ids are listed, not guessed: they are numbers, some padded and some not (`523` and `00523` are two), with gaps. The
    list of half a million takes a minute or two, so it is kept in the file `known`.
    """

    def __init__(self, options: argparse.Namespace, known: Path) -> None:
        self.bucket, _, prefix = options.source.removeprefix("s3://").partition("/")
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self.known = known
        config = Config(
            signature_version=UNSIGNED, max_pool_connections=options.workers, connect_timeout=10, read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": options.tries},
        )  # fmt: skip
        # Named, so that AWS_ENDPOINT_URL of a local stack does not answer for the public bucket.
        url = options.endpoint or f"https://s3.{REGION}.amazonaws.com"
        self.s3: Any = boto3.client("s3", region_name=REGION, endpoint_url=url, config=config)

    def ids(self) -> list[str]:
        if not self.known.exists():
            try:
                with ThreadPoolExecutor(10) as pool, tqdm(desc="list", unit="photo", mininterval=1) as progress:
                    found = pool.map(lambda digit: self._beginning_with(digit, progress), "0123456789")
                    names = sorted(name for part in found for name in part)
            except (BotoCoreError, ClientError) as error:
                raise SourceError("unreachable", f"s3://{self.bucket} can't be listed: {error}") from error
            write_whole(self.known, "\n".join(names).encode())
        return self.known.read_text().split()

    def _beginning_with(self, digit: str, progress: tqdm) -> list[str]:
        names = []
        pages = self.s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket, Prefix=f"{self.prefix}bin-images/{digit}"):
            keys = [entry["Key"] for entry in page.get("Contents", [])]
            names += [Path(key).stem for key in keys if key.endswith(".jpg")]
            progress.update(len(keys))
        return names

    def read(self, key: str) -> Blob:
        where = f"s3://{self.bucket}/{self.prefix}{key}"
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=self.prefix + key)
        except ClientError as error:
            code = CODES.get(error.response["Error"]["Code"], "unreachable")
            raise SourceError(code, f"{where}: {error}") from error
        except BotoCoreError as error:
            raise SourceError("unreachable", f"{where}: {error}") from error
        try:
            data = answer["Body"].read()
        except BotoCoreError as error:  # botocore tries requests again, but not a body that broke off
            raise SourceError("damaged", f"{where}: {error}") from error
        tag = answer["ETag"].strip('"')
        return Blob(data, answer["ContentLength"], tag if len(tag) == 32 else None)  # with a dash: it came in parts


def source_of(options: argparse.Namespace, notes: Path) -> Source:
    """The source, if the folder was not begun from another one. Raises ValueError."""
    named = notes / "source.txt"
    source = f"{options.source} {options.endpoint or ''}".strip()
    if named.exists() and named.read_text() != source:
        raise ValueError(f"{options.out} was begun from {named.read_text()}; take another --out")
    write_whole(named, source.encode())
    if options.source.startswith("s3://"):
        return Bucket(options, notes / "ids.txt")
    return Folder(Path(options.source))


def plan(options: argparse.Namespace, collection: Collection, pool: ThreadPoolExecutor) -> tuple[Iterable[Chosen], int]:
    """What to fetch, and how many that are."""
    if not options.list and not options.all:
        return collection.drawn(options.photos, options.seed, pool), options.photos
    names = sorted(listed(options.list)) if options.list else list(collection.source.ids())
    return ((name, None) for name in names), len(names)


def collect(options: argparse.Namespace) -> dict[str, Any]:
    """Fill the folder. Raises SourceError or ValueError when there is nothing to fill it from."""
    notes = options.out / ".collect"
    for folder in (notes, options.out / "bin-images", options.out / "metadata"):
        folder.mkdir(parents=True, exist_ok=True)
    source = source_of(options, notes)
    labels = {**(listed(options.list) if options.list else {}), **labels_of(source)}
    got: list[str] = []
    with closing(Notes(notes / "counts.csv")) as counts, closing(Notes(notes / "sizes.csv")) as sizes:
        collection = Collection(source, options.out, labels, counts, sizes)
        try:
            with ThreadPoolExecutor(options.workers) as pool:
                chosen, total = plan(options, collection, pool)
                got += tqdm(collection.fetch(chosen, pool), "collect", total, unit="photo", mininterval=1)
        finally:
            collection.write_lists()
        failed = {failure.id for failure in collection.failures}
        there = [name for name in got if name not in failed]
        classes = Counter(labels.get(name, counts.get(name)) for name in there)
    return {
        "collected": len(there),
        "wanted": total,
        "failed": len(failed),
        "classes": {str(label): classes[label] for label in sorted(classes)},
    }


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        done = collect(options)
    except (SourceError, OSError, ValueError) as error:
        print(f"collect.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("collect.py: stopped; the same command goes on", file=sys.stderr)
        return 130
    if options.json:
        print(json.dumps(done))
    else:
        print(f"{done['collected']:,} of {done['wanted']:,} photographs are in {options.out}")
        print("by class: " + ", ".join(f"{label}: {number:,}" for label, number in done["classes"].items()))
        if done["collected"] + done["failed"] < done["wanted"]:
            print("the source has no more of the classes that are short")
        if done["failed"]:
            print(f"{done['failed']:,} are not, see {options.out / 'failed.csv'}; run it again", file=sys.stderr)
    return 3 if done["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
