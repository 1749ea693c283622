"""Clean, resize and split the photos once, into a folder that every later step reads.

    python training/prepare.py --data DIR --out .work/prepared                 # 10,000 photos: under a minute
    python training/prepare.py --data DIR --out .work/prepared --balance 1500  # at most 1,500 of each class in train
    python training/prepare.py --data DIR --out .work/prepared --upload s3://BUCKET/PREFIX
    python training/prepare.py --data DIR --out .work/small --side 64          # small photos, for a quick try

Reads a folder with bin-images/ and metadata/, or one that `bintally labels export` wrote: images/ and labels.csv with
the columns image, count and weight. The weight is not used here. Excludes photos that have no label, cannot be decoded,
duplicate another one, or contradict their record or each other; excluded.csv gives the reasons. Bins out of range stay.
Resizes the rest to a shorter side of --side pixels (smaller photos are copied byte for byte) and lists them in
manifest.csv with their split: 12% test, and 15% of the rest validation, by a hash of the group of photos that may show
the same bin. The split of a photo is the same without this step. Safe to rerun: only what is missing or changed is
written.

In a SageMaker processing job: --data /opt/ml/processing/input --out /opt/ml/processing/output.

Exit codes: 0 done; 2 bad usage; 3 prepared, but not everything was uploaded.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from binlab.data.preparing import Settings, files_to_upload, prepare
from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm

DEFAULTS = Settings()
# One part each: the ETag of a multipart object is not the MD5 of its bytes.
WHOLE = TransferConfig(multipart_threshold=5 * 1024**3, use_threads=False)
UPLOADERS = 16


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = os.environ.get("SM_CHANNEL_TRAIN")
    parser.add_argument(
        "--data", type=Path, default=data, required=not data, help="folder with bin-images/ and metadata/"
    )
    parser.add_argument("--out", type=Path, default=Path(".work/prepared"), help="(default: %(default)s)")
    parser.add_argument(
        "--side", type=int, default=DEFAULTS.side, help="pixels of the shorter side (default: %(default)s)"
    )
    parser.add_argument("--balance", type=int, metavar="N", help="keep at most N of each class in train (default: all)")
    parser.add_argument(
        "--hash-distance", type=int, default=DEFAULTS.hash_distance, metavar="BITS",
        help="photos of equal contents are duplicates if at most so many of 64 bits of their perceptual hashes "
        "differ (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=DEFAULTS.seed, help="seed of --balance (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="number of threads (default: %(default)s)")
    parser.add_argument(
        "--upload", metavar="s3://BUCKET/PREFIX", help="then upload the folder; unchanged objects are skipped"
    )
    parser.add_argument("--endpoint", metavar="URL", help="S3 endpoint for --upload (default: AWS)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    if min(options.side, options.workers, options.balance or 1) < 1 or not 0 <= options.hash_distance < 64:
        parser.error("--side, --workers and --balance must be at least 1, --hash-distance from 0 to 63")
    if options.upload and not options.upload.startswith("s3://"):
        parser.error(f"--upload must look like s3://BUCKET/PREFIX, not {options.upload}")
    return options


def bar(items: Iterable[Any], what: str, total: int) -> Iterable[Any]:
    return tqdm(items, what, total, unit="photo", mininterval=1)


def upload(folder: Path, where: str, s3: Any) -> tuple[int, list[str]]:
    """Upload what the bucket lacks: how many files were uploaded, and the errors of others. The manifest goes last."""
    bucket, _, prefix = where.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
    files = list(files_to_upload(folder))
    there = etags(s3, bucket, prefix)
    keys = {path: prefix + path.relative_to(folder).as_posix() for path in files}
    new = [path for path in files if there.get(keys[path]) != md5(path)]
    lock = threading.Lock()
    with tqdm(total=sum(path.stat().st_size for path in new), desc="upload", unit="B", unit_scale=True) as progress:

        def on_bytes(count: int) -> None:
            with lock:
                progress.update(count)

        def send(path: Path) -> str | None:
            try:
                s3.upload_file(str(path), bucket, keys[path], Callback=on_bytes, Config=WHOLE)
            except (S3UploadFailedError, ClientError, BotoCoreError) as error:
                return f"{path}: {error}"
            return None

        with ThreadPoolExecutor(UPLOADERS) as pool:
            failed = [error for error in pool.map(send, new[:-1]) if error]
        failed += [error for error in map(send, new[-1:] if not failed else []) if error]
    return len(new) - len(failed), failed


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def etags(s3: Any, bucket: str, prefix: str) -> dict[str, str]:
    """Key and ETag of each object. With KMS encryption the ETag is not the MD5, so everything is uploaded again."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {entry["Key"]: entry["ETag"].strip('"') for page in pages for entry in page.get("Contents", [])}


def show(done: dict[str, Any], out: Path) -> None:
    print(f"{done['kept']:,} of {done['images']:,} labelled photos kept, {done['written']:,} written")
    for reason, number in done["excluded"].items():
        print(f"  {number:,} {reason}")
    print("class       " + "".join(f"{label:>7}" for label in ("0", "1", "2", "3", "4", "5", "6+")))
    for split, counts in done["splits"].items():
        print(f"{split:12}" + "".join(f"{counts.get(str(label), 0):7,}" for label in range(7)))
    print(f"{out}/manifest.csv lists them; {out}/excluded.csv lists what was excluded, and why")


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    settings = Settings(options.side, options.balance, options.hash_distance, options.seed)
    try:
        done = prepare(options.data, options.out, settings, workers=options.workers, progress=bar)
        failed: list[str] = []
        if options.upload:
            client = boto3.client("s3", endpoint_url=options.endpoint, config=Config(max_pool_connections=UPLOADERS))
            done["uploaded"], failed = upload(options.out, options.upload, client)
    except (FileNotFoundError, ValueError) as error:
        print(f"prepare.py: {error}", file=sys.stderr)
        return 2
    except (ClientError, BotoCoreError) as error:
        print(f"prepare.py: prepared, but {options.upload} cannot be listed: {error}", file=sys.stderr)
        return 3
    if options.json:
        print(json.dumps(done))
    else:
        show(done, options.out)
    for reason in failed[:10]:
        print(f"not uploaded: {reason}", file=sys.stderr)
    return 3 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
