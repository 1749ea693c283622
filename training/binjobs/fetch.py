"""Fetch what the jobs wrote: the packaged model and its evaluation."""

from __future__ import annotations

import argparse
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlparse

from sagemaker.core.helper.session_helper import Session

FOLDERS = ("package", "evaluation")


def fetch(session: Session, options: argparse.Namespace, _: Path) -> str:
    """Download OUTPUT/package and OUTPUT/evaluation to `--to`. Says what came, and how to register it."""
    s3 = session.boto_session.client("s3")
    found = {name: download(s3, f"{options.output}/{name}", options.to / name) for name in FOLDERS}
    lines = [f"{number:,} files in {options.to / name}" for name, number in found.items()]
    package, metrics = options.to / "package", options.to / "evaluation" / "metrics.json"
    lines.append(
        f"Register it: python training/jobs.py register --image IMAGE --output {options.output} "
        f"--artifact {package / 'artifact'} --bundle {package / 'model.tar.gz'} --metrics {metrics}"
    )
    return "\n".join(lines)


def download(s3: Any, place: str, folder: Path) -> int:
    """Download what is below `place`, s3://bucket/prefix, to `folder`; how many files. A key can't leave the folder."""
    url = urlparse(place)
    prefix = f"{url.path.strip('/')}/"
    number = 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=url.netloc, Prefix=prefix):
        for each in page.get("Contents", []):
            path = PurePosixPath(each["Key"].removeprefix(prefix))
            if path.is_absolute() or ".." in path.parts or each["Key"].endswith("/"):
                continue
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(url.netloc, each["Key"], str(target))
            number += 1
    return number
