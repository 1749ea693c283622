"""A few labelled photos of the Amazon Bin Image Dataset, from its public bucket, without an AWS account.

Layout and licence: https://registry.opendata.aws/amazon-bin-imagery/ (`bin-images/<id>.jpg`, `metadata/<id>.json`).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bincli.aws_errors import explain_aws_error
from bincli.demo.photos import COUNTABLE, scattered
from bincli.progress import ProgressCallback

BUCKET, REGION = "aft-vbi-pds", "us-east-1"
MAX_BYTES = 5 * 1024 * 1024  # the dataset's photos have about 55 KB


def anonymous_client() -> Any:
    """An anonymous S3 client that gives up within seconds, and asks the real S3 whatever the environment says."""
    config = Config(signature_version=UNSIGNED, connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2})
    return boto3.client("s3", region_name=REGION, endpoint_url=f"https://s3.{REGION}.amazonaws.com", config=config)


def fetch_photos(folder: Path, number: int, *, s3: Any, on_progress: ProgressCallback) -> Mapping[Path, int]:
    """Download `number` photos with 1 to 5 items to `folder`, with their labels. Keeps what an earlier call fetched.

    Raises OSError if the bucket can't be reached or read.
    """
    kept = _kept(folder)
    if len(kept) < number:
        try:
            kept = _fetch(folder, number, s3, on_progress)
        except (BotoCoreError, ClientError) as error:
            raise OSError(f"the public bucket {BUCKET} can't be read: {explain_aws_error(error)}") from error
    return dict(list(kept.items())[:number])


def _fetch(folder: Path, number: int, s3: Any, on_progress: ProgressCallback) -> dict[Path, int]:
    folder.mkdir(parents=True, exist_ok=True)
    listing = s3.list_objects_v2(Bucket=BUCKET, Prefix="bin-images/", MaxKeys=1000).get("Contents", [])
    ids = sorted((PurePosixPath(entry["Key"]).stem for entry in listing), key=scattered)
    labels: dict[Path, int] = {}
    for path, label in _labelled(ids, folder, s3):
        labels[path] = label
        on_progress(len(labels), number)
        if len(labels) == number:
            break
    if not labels:
        raise OSError(f"the public bucket {BUCKET} lists no photos")
    _keep(folder, labels)
    return labels


def _labelled(ids: list[str], folder: Path, s3: Any) -> Iterator[tuple[Path, int]]:
    """Eight at a time, so that few are downloaded in vain."""
    with ThreadPoolExecutor(8) as pool:
        for start in range(0, len(ids), 8):
            for found in pool.map(lambda name: _one(name, folder, s3), ids[start : start + 8]):
                if found:
                    yield found


def _one(name: str, folder: Path, s3: Any) -> tuple[Path, int] | None:
    record = json.loads(s3.get_object(Bucket=BUCKET, Key=f"metadata/{name}.json")["Body"].read(MAX_BYTES))
    label = record.get("EXPECTED_QUANTITY")
    if label not in COUNTABLE:
        return None
    path = folder / f"{name}.jpg"
    path.write_bytes(s3.get_object(Bucket=BUCKET, Key=f"bin-images/{name}.jpg")["Body"].read(MAX_BYTES))
    return path, label


def _keep(folder: Path, labels: Mapping[Path, int]) -> None:
    unfinished = folder / "labels.csv.part"
    with unfinished.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "count"), *((path.stem, label) for path, label in labels.items())])
    unfinished.replace(folder / "labels.csv")


def _kept(folder: Path) -> dict[Path, int]:
    if not (folder / "labels.csv").is_file():
        return {}
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        return {folder / f"{row['id']}.jpg": int(row["count"]) for row in csv.DictReader(file)}
