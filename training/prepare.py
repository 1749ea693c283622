"""Clean, resize and split the photographs, once, into a folder that every later step reads.

    python training/prepare.py --data DIR --out .work/prepared                 # 10,000 photographs: under a minute
    python training/prepare.py --data DIR --out .work/prepared --balance 1500  # at most 1,500 of each class in train
    python training/prepare.py --data DIR --out .work/prepared --upload s3://BUCKET/PREFIX
    python training/prepare.py --data tests/bins --side 64 --out .work/tiny    # a try-out

Left out are photographs that have no label, can't be decoded, duplicate another one, or contradict their record or
each other; `excluded.csv` says which and why. Empty bins and bins with more than five items stay. The rest is brought
to a shorter side of --side pixels (what is not larger is copied byte for byte) and listed in `manifest.csv` with its
side: 12% test, and of what remains 15% validation, by a hash of the group of photographs that may show the same bin.
The side of a photograph is the same with and without this step. Run again, it writes only what is new; a run that was
stopped goes on.

In a SageMaker processing job: --data /opt/ml/processing/input --out /opt/ml/processing/output.
Exit status: 0 done, 2 bad usage, 3 prepared, but not all was uploaded.
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
from binlab.data.preparing import Settings, files_to_send, prepare
from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm

DEFAULTS = Settings()
# One part each, since the ETag of an object that came in parts is not the MD5 of its bytes.
WHOLE = TransferConfig(multipart_threshold=5 * 1024**3, use_threads=False)
SENDERS = 16


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = os.environ.get("SM_CHANNEL_TRAIN")
    parser.add_argument("--data", type=Path, default=data, required=not data, help="folder with bin-images/, metadata/")
    parser.add_argument("--out", type=Path, default=Path(".work/prepared"), help="(default: %(default)s)")
    parser.add_argument("--side", type=int, default=DEFAULTS.side, help="shorter side, pixels (default: %(default)s)")
    parser.add_argument("--balance", type=int, metavar="N", help="at most N of each class in train (default: all)")
    parser.add_argument(
        "--alike", type=int, default=DEFAULTS.alike, metavar="BITS",
        help="two photographs of equal contents are one if at most so many of 64 bits of their perceptual hashes "
        "differ (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=DEFAULTS.seed, help="of --balance (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="threads (default: %(default)s)")
    parser.add_argument("--upload", metavar="s3://BUCKET/PREFIX", help="then send it there; what is there is skipped")
    parser.add_argument("--endpoint", metavar="URL", help="of another S3 than AWS's, for --upload")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines for people")
    options = parser.parse_args(arguments)
    if min(options.side, options.workers, options.balance or 1) < 1 or not 0 <= options.alike < 64:
        parser.error("--side, --workers and --balance start at 1, --alike is from 0 to 63")
    if options.upload and not options.upload.startswith("s3://"):
        parser.error(f"--upload takes s3://BUCKET/PREFIX, not {options.upload}")
    return options


def bar(items: Iterable[Any], what: str, total: int) -> Iterable[Any]:
    return tqdm(items, what, total, unit="photo", mininterval=1)


def upload(folder: Path, where: str, s3: Any) -> tuple[int, list[str]]:
    """Send what is not there yet: how many files were sent, and why others could not be. The manifest goes last."""
    bucket, _, prefix = where.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
    files = list(files_to_send(folder))
    there = known(s3, bucket, prefix)
    keys = {path: prefix + path.relative_to(folder).as_posix() for path in files}
    new = [path for path in files if there.get(keys[path]) != md5(path)]
    lock = threading.Lock()
    with tqdm(total=sum(path.stat().st_size for path in new), desc="upload", unit="B", unit_scale=True) as progress:

        def told(count: int) -> None:
            with lock:
                progress.update(count)

        def send(path: Path) -> str | None:
            try:
                s3.upload_file(str(path), bucket, keys[path], Callback=told, Config=WHOLE)
            except (S3UploadFailedError, ClientError, BotoCoreError) as error:
                return f"{path}: {error}"
            return None

        with ThreadPoolExecutor(SENDERS) as pool:
            failed = [why for why in pool.map(send, new[:-1]) if why]
        failed += [why for why in map(send, new[-1:] if not failed else []) if why]
    return len(new) - len(failed), failed


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def known(s3: Any, bucket: str, prefix: str) -> dict[str, str]:
    """From key to ETag, which is the MD5 unless the bucket encrypts with a key of KMS; then all is sent again."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {entry["Key"]: entry["ETag"].strip('"') for page in pages for entry in page.get("Contents", [])}


def show(done: dict[str, Any], out: Path) -> None:
    print(f"{done['kept']:,} of {done['photographs']:,} labelled photographs kept, {done['written']:,} written")
    for reason, number in done["excluded"].items():
        print(f"  {number:,} {reason}")
    print("class       " + "".join(f"{label:>7}" for label in ("0", "1", "2", "3", "4", "5", "6+")))
    for side, counts in done["sides"].items():
        print(f"{side:12}" + "".join(f"{counts.get(str(label), 0):7,}" for label in range(7)))
    print(f"{out}/manifest.csv lists them, {out}/excluded.csv what was left out and why")


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    settings = Settings(options.side, options.balance, options.alike, options.seed)
    try:
        done = prepare(options.data, options.out, settings, workers=options.workers, progress=bar)
        failed: list[str] = []
        if options.upload:
            client = boto3.client("s3", endpoint_url=options.endpoint, config=Config(max_pool_connections=SENDERS))
            done["uploaded"], failed = upload(options.out, options.upload, client)
    except (FileNotFoundError, ValueError) as error:
        print(f"prepare.py: {error}", file=sys.stderr)
        return 2
    except (ClientError, BotoCoreError) as error:
        print(f"prepare.py: prepared, but {options.upload} can't be read: {error}", file=sys.stderr)
        return 3
    if options.json:
        print(json.dumps(done))
    else:
        show(done, options.out)
    for why in failed[:10]:
        print(f"not uploaded: {why}", file=sys.stderr)
    return 3 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
