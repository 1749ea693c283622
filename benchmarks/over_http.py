"""Section `http`: JPEGs to counts through the model server, by size of the manifest, against the model alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import urllib3
from binlocal.environment import client_environment, server_environment
from binlocal.processes import free_port, start_server, stopping, wait_until_ready
from binlocal.stack import START_SECONDS, local_url, model_server
from binmodel.artifact import shipped
from binmodel.fetch import BUCKETS_VARIABLE
from binmodel.invocation import JSON_LINES
from binmodel.predict import Predictor

from benchmarks.inference import pixels_of, pixels_only
from benchmarks.measure import Options, Work, compared, rates

BUCKET = "photos"
READY = "pixels that are ready"
PHOTOS_READY = 200
# Images of a manifest, and how many of them a repeat counts.
MANIFESTS = {1: 40, 32: 128, 500: 500}

Count = Callable[[Sequence[str]], None]


def run(options: Options) -> dict[str, Any]:
    """Images/s for each size of manifest."""
    files = [photo.path.read_bytes() for photo in options.some(PHOTOS_READY)]
    predictor = Predictor.load(shipped())
    pixels = pixels_of(files, predictor.input_size)
    ways: dict[str, tuple[int, Work]] = {READY: (len(pixels), lambda: pixels_only(predictor, pixels))}
    with serving([photo.path for photo in options.some(max(MANIFESTS))]) as (names, count):
        for size, number in MANIFESTS.items():
            some = names[: max(size, number // 10)] if options.quick else names[:number]
            ways[f"manifests of {size}"] = (len(some), partial(in_manifests, count, some, size))
        return {"rows": compared(rates(ways, options.repeats), READY, "photos/s")}


def in_manifests(count: Count, names: Sequence[str], size: int) -> None:
    for at in range(0, len(names), size):
        count(names[at : at + size])


@contextmanager
def serving(photos: Sequence[Path]) -> Iterator[tuple[list[str], Count]]:
    """A model server that reads `photos` from a file server: their names, and what counts some of them by name.

    Exits if a photo has no line with a count.
    """
    with TemporaryDirectory() as folder:
        bucket = Path(folder) / BUCKET
        bucket.mkdir()
        names = [f"{place:05}.jpg" for place in range(len(photos))]
        for name, photo in zip(names, photos, strict=True):
            (bucket / name).symlink_to(photo.resolve())
        files, model = free_port(), free_port()
        own = {**client_environment(local_url(files), local_url(files)), BUCKETS_VARIABLE: BUCKET}
        environment = server_environment(own)
        log = Path(folder) / "servers.log"
        serve = [*model_server(shipped()), "--port", str(model)]
        with (
            stopping(start_server("The file server", file_server(folder, files), environment, log)) as first,
            stopping(start_server("The model server", serve, environment, log)) as second,
        ):
            wait_until_ready(first, local_url(files), START_SECONDS)
            wait_until_ready(second, local_url(model) + "/ping", START_SECONDS)
            yield names, partial(count_over_http, local_url(model) + "/invocations")


def file_server(folder: str, port: int) -> list[str]:
    options = ["--bind", "127.0.0.1", "--directory", folder, "--protocol", "HTTP/1.1"]
    return [sys.executable, "-m", "http.server", str(port), *options]


def count_over_http(url: str, names: Sequence[str]) -> None:
    lines = [{"image_id": name, "uri": f"s3://{BUCKET}/{name}", "version_id": None} for name in names]
    body = "".join(json.dumps(line) + "\n" for line in lines)
    answer = urllib3.request("POST", url, body=body, headers={"Content-Type": JSON_LINES}, timeout=600, retries=False)
    found = [json.loads(line) for line in answer.data.splitlines()] if answer.status == 200 else []
    if len(found) != len(names) or any("error" in line for line in found):
        sys.exit(f"over_http.py: status {answer.status}, {len(found)} of {len(names)} lines: {answer.data[:500]!r}")
