"""T8: damaged, malicious and other bad files, through the container's code and into the ledger."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

from bintally.domain.image import Status

from tests.nothing_lost.engines import note
from tests.nothing_lost.pictures import poisons
from tests.nothing_lost.platform import Platform

ROOT = Path(__file__).resolve().parents[2]
MAX_MEMORY = 512  # MiB
SEED = 8


def answered() -> tuple[list[dict[str, Any]], int]:
    """The container's prediction lines, and its peak memory in MiB."""
    command = [sys.executable, "-m", "tests.nothing_lost.poisoned", str(SEED)]
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'model_code'}", "PATH": ""}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True, env=path)
    *lines, memory = done.stdout.splitlines()
    return [json.loads(line) for line in lines], int(memory)


def test_each_file_is_counted_or_rejected_and_its_neighbours_are_counted() -> None:
    files = poisons(Random(SEED))
    assert len(files) >= 60
    lines, memory = answered()

    assert len(lines) == 2 * len(files) + 1
    assert {line.get("count") for line in lines[::2]} == {3}  # the good ones between them
    codes = {name: line.get("error", {}).get("code", "") for (name, _, _), line in zip(files, lines[1::2], strict=True)}
    assert codes == {name: code for name, _, code in files}
    assert all(line["error"]["message"] for line in lines if "error" in line)
    assert {line["count"] for line in lines if "count" in line} == {3}
    assert memory < MAX_MEMORY

    platform = Platform(Random(SEED))
    images = [platform.put(f"{name}/{name}").image for name, _, _ in files]
    platform.deliver_intake(len(images))
    engine = platform.fakes.async_engine
    for job in list(platform.fakes.jobs.all()):
        pairs = zip(images, lines[1::2], strict=True)
        engine.answer(job, [{"image_id": image.image_id, **line} for image, line in pairs])
        platform.results.send(note(job, engine.location(job)), platform.now)
    while platform.deliver_results():
        pass
    ledger = {held.image.key: held for held in platform.fakes.ledger.items.values()}
    for name, _, code in files:
        held = ledger[f"{name}/{name}"]
        assert held.status is (Status.REJECTED if code else Status.COUNTED), name
        assert held.code == code, name
        assert bool(held.reason) == bool(code), name
