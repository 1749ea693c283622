"""Collect photos of the Amazon Bin Image Dataset, with the warehouse's records of their contents.

    python training/collect.py --out .work/bins                               # 10,000 photos, 2,000 of each class
    python training/collect.py --out .work/bins --list file_list.json         # the photos of a list
    python training/collect.py --out .work/bins --all                         # half a million, about 30 GB
    python training/collect.py --out .work/bins --source DIR --photos 50      # a quick try, from a local folder

Needs no AWS account: the bucket is public. Each photo is checked against its length, its MD5 and a decoder before it is
kept. Safe to rerun: an interrupted or incomplete run continues.

A sample needs the count of each bin first, so records are read in an order that --seed decides, until each of the
classes 1 to 5 has its share: about 26,000 records for 10,000 photos, since one bin in thirteen holds a single item.

Exit codes: 0 all collected; 2 bad usage, or no source; 3 some are missing: failed.csv gives the reasons, run it again.
Licence of the photos: CC BY-NC-SA 3.0 US, credit Amazon (https://registry.opendata.aws/amazon-bin-imagery/).
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
from binlab.data.files import NumberLog, write_whole
from binlab.data.sources import Blob, Folder, Source, SourceError, labels_of, listed
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm

REGION = "us-east-1"
CODES = {"NoSuchKey": "missing", "AccessDenied": "refused"}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to fill: bin-images/ and metadata/")
    parser.add_argument("--source", default="s3://aft-vbi-pds", help="s3://BUCKET or a folder (default: %(default)s)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--photos", type=int, default=10_000, help="total number, evenly over the classes (default: %(default)s)"
    )
    what.add_argument("--list", type=Path, metavar="FILE", help='JSON: {"1": ["data/metadata/100313.json", ...], ...}')
    what.add_argument("--all", action="store_true", help="collect every photo")
    parser.add_argument("--seed", type=int, default=7, help="seed of the sample (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=16, help="parallel requests (default: %(default)s)")
    parser.add_argument("--attempts", type=int, default=6, help="attempts for each request (default: %(default)s)")
    parser.add_argument("--endpoint", metavar="URL", help="S3 endpoint (default: AWS)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    if min(options.photos, options.workers, options.attempts) < 1:
        parser.error("--photos, --workers and --attempts must be at least 1")
    if not options.source.startswith("s3://") and not (Path(options.source) / "bin-images").is_dir():
        parser.error(f"--source {options.source} is neither s3://BUCKET nor a folder that contains bin-images/")
    return options


class Bucket:
    """A public bucket.

    Ids are listed, not guessed: they are numbers with gaps, some zero-padded (`523` and `00523` are two images).
    Listing half a million takes a minute or two, so the list is kept in the file `known`.
    """

    def __init__(self, options: argparse.Namespace, known: Path) -> None:
        self.bucket, _, prefix = options.source.removeprefix("s3://").partition("/")
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self.known = known
        config = Config(
            signature_version=UNSIGNED, max_pool_connections=options.workers, connect_timeout=10, read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": options.attempts},
        )  # fmt: skip
        # Always set: otherwise AWS_ENDPOINT_URL of a local stack would also apply to the public bucket.
        url = options.endpoint or f"https://s3.{REGION}.amazonaws.com"
        self.s3: Any = boto3.client("s3", region_name=REGION, endpoint_url=url, config=config)

    def ids(self) -> list[str]:
        if not self.known.exists():
            try:
                with ThreadPoolExecutor(10) as pool, tqdm(desc="list", unit="photo", mininterval=1) as progress:
                    found = pool.map(lambda digit: self._beginning_with(digit, progress), "0123456789")
                    names = sorted(name for part in found for name in part)
            except (BotoCoreError, ClientError) as error:
                raise SourceError("unreachable", f"s3://{self.bucket} cannot be listed: {error}") from error
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
        except BotoCoreError as error:  # botocore retries requests, but not a truncated body
            raise SourceError("damaged", f"{where}: {error}") from error
        tag = answer["ETag"].strip('"')
        return Blob(data, answer["ContentLength"], tag if len(tag) == 32 else None)  # an ETag with a dash is not an MD5


def source_of(options: argparse.Namespace, notes: Path) -> Source:
    """The source. Raises ValueError if `--out` has photos of another one."""
    named = notes / "source.txt"
    source = f"{options.source} {options.endpoint or ''}".strip()
    if named.exists() and named.read_text() != source:
        if any((options.out / "bin-images").iterdir()):
            raise ValueError(f"{options.out} was filled from {named.read_text()}. Choose another --out.")
        for note in notes.iterdir():  # of a source that gave no photo
            note.unlink()
    write_whole(named, source.encode())
    if options.source.startswith("s3://"):
        return Bucket(options, notes / "ids.txt")
    return Folder(Path(options.source))


def plan(options: argparse.Namespace, collection: Collection, pool: ThreadPoolExecutor) -> tuple[Iterable[Chosen], int]:
    """What to fetch, and how many images that is."""
    if not options.list and not options.all:
        return collection.sample(options.photos, options.seed, pool), options.photos
    names = sorted(listed(options.list)) if options.list else list(collection.source.ids())
    return ((name, None) for name in names), len(names)


def collect(options: argparse.Namespace) -> dict[str, Any]:
    """Fill the folder. Raises SourceError or ValueError if the source cannot be used."""
    notes = options.out / ".collect"
    for folder in (notes, options.out / "bin-images", options.out / "metadata"):
        folder.mkdir(parents=True, exist_ok=True)
    source = source_of(options, notes)
    labels = {**(listed(options.list) if options.list else {}), **labels_of(source)}
    done: list[str] = []
    with closing(NumberLog(notes / "counts.csv")) as counts, closing(NumberLog(notes / "sizes.csv")) as sizes:
        collection = Collection(source, options.out, labels, counts, sizes)
        try:
            with ThreadPoolExecutor(options.workers) as pool:
                chosen, total = plan(options, collection, pool)
                done += tqdm(collection.fetch(chosen, pool), "collect", total, unit="photo", mininterval=1)
        finally:
            collection.write_lists()
        failed = {failure.id for failure in collection.failures}
        there = [name for name in done if name not in failed]
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
        print("collect.py: interrupted. Run the same command to continue.", file=sys.stderr)
        return 130
    if options.json:
        print(json.dumps(done))
    else:
        print(f"{done['collected']:,} of {done['wanted']:,} photos are in {options.out}")
        print("by class: " + ", ".join(f"{label}: {number:,}" for label, number in done["classes"].items()))
        if done["collected"] + done["failed"] < done["wanted"]:
            print("The source has no more photos of the classes with fewer.")
        if done["failed"]:
            print(
                f"{done['failed']:,} failed, see {options.out / 'failed.csv'}. Run the same command to retry.",
                file=sys.stderr,
            )
    return 3 if done["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
