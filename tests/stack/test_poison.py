"""T8 and T9 on the local stack: poisoned files and hostile keys among good photos, from the bucket to the bins."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from bincli.audit.collect import audit_once
from bincli.deployment import Deployment
from binlocal.stack import Stack
from bintally.domain.bins import bin_id_of
from bintally.domain.image import TERMINAL

from benchmarks.soaking import PATIENCE, processes
from tests.nothing_lost import keys
from tests.nothing_lost.pictures import poisons
from tests.stack.conftest import Floor, eventually

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]

SEED = 8
POISONED = {f"poison/{name}/{name}": (data, code) for name, data, code in poisons(Random(SEED))}
GOOD = [f"poison/good-{number}/photo.jpg" for number in range(20)]
# Files in events/, which other tests send to the same stack, tell of bin P-17-C with times and sequencers of their own.
KEYS = [key for key in keys.KEYS if not key.startswith("P-17-C/")]
FOLDERS = {key for key in KEYS if key.endswith("/")}  # refused as what consoles put to show a folder
# MiniStack takes them, and its ListObjectVersions writes them into XML as they are, not encoded as S3's does: the first
# two can't stand there and make it answer 500, the third is read back as another key. Their versions are removed once
# they are settled, so that the audit can list those of all the others.
UNLISTED = {"a/nul\x00.jpg", "a/\x1b[31mred.jpg", "a\r\nb.jpg"}
MAX_MEMORY = 1024 * 2**20  # bytes
WRITTEN = re.compile(
    r"jobs/(async-[0-9a-f]{40}/input/manifest|batch-[0-9a-f]{40}/input/\d{5})\.jsonl"
    r"|jobs/batch-[0-9a-f]{40}/output/\d{5}\.jsonl\.out"
    r"|async/(output|failure)/[0-9a-f-]+(-error)?\.out"
    r"|orders/reports/[0-9a-f]{64}/[0-9a-f]{32}\.json"
)


@dataclass(frozen=True)
class Poisoned:
    """Ledger entries by key, keys new in the intake bucket, and the most bytes of each model server, by process id."""

    floor: Floor
    entries: dict[str, dict[str, Any]]
    appeared: set[str]
    memory: dict[int, int]


@pytest.fixture(scope="module")
def poisoned(stack: Stack, drawings: list[bytes]) -> Poisoned:
    floor = Floor(stack)
    before = listed(floor, "IntakeBucket")
    bodies = {key: data for key, (data, _) in POISONED.items()}
    bodies |= {key: drawings[number % len(drawings)] for number, key in enumerate([*GOOD, *KEYS])}
    shuffled = sorted(bodies)
    Random(SEED).shuffle(shuffled)
    with ThreadPoolExecutor(4) as pool:
        versions = dict(zip(shuffled, pool.map(lambda key: floor.drop(key, bodies[key]), shuffled), strict=True))
    try:
        entries, memory = settled(floor, versions)
        return Poisoned(floor, entries, listed(floor, "IntakeBucket") - before, memory)
    finally:
        for key in UNLISTED:
            floor.s3.delete_object(Bucket=stack.outputs["IntakeBucket"], Key=key, VersionId=versions[key])


def listed(floor: Floor, bucket: str) -> set[str]:
    pages = floor.s3.get_paginator("list_objects_v2").paginate(Bucket=floor.stack.outputs[bucket])
    return {stored["Key"] for page in pages for stored in page.get("Contents", [])}


def settled(floor: Floor, versions: dict[str, str]) -> tuple[dict[str, dict[str, Any]], dict[int, int]]:
    """The ledger's entries of these photos, by key, once all are in a terminal state; and `Poisoned.memory`."""
    memory: dict[int, int] = {}

    def look() -> dict[str, dict[str, Any]] | None:
        for process in processes("model"):
            memory[process.pid] = max(memory.get(process.pid, 0), process.memory_info().rss)
        found = {image["key"]: image for image in floor.images() if versions.get(image["key"]) == image["version_id"]}
        return found if len(found) == len(versions) and all(i["status"] in TERMINAL for i in found.values()) else None

    return eventually(look, f"{len(versions)} images finished"), memory


def test_each_poisoned_file_is_counted_or_refused_with_a_reason(poisoned: Poisoned) -> None:
    assert len(POISONED) >= 60
    for key, (_, code) in POISONED.items():
        entry = poisoned.entries[key]
        assert entry["status"] == ("REJECTED" if code else "COUNTED"), entry
        if code:
            assert entry["code"] == code, entry
            assert len(entry["reason"]) > 20 and entry["reason"].isprintable(), entry
        assert poisoned.floor.bin(entry["bin_id"])["status"] == ("UNREADABLE" if code else "COUNTED"), entry


def test_each_hostile_key_and_each_good_image_is_counted(poisoned: Poisoned) -> None:
    assert len(KEYS) >= 50
    for key in [*KEYS, *GOOD]:
        entry = poisoned.entries[key]
        assert entry["bin_id"] == bin_id_of(key)
        if key in FOLDERS:
            assert (entry["status"], entry["reason"]) == ("REJECTED", "A folder, not a photo.")
        else:
            assert entry["status"] == "COUNTED", entry
            assert poisoned.floor.bin(entry["bin_id"])["status"] == "COUNTED", entry


def test_nothing_is_written_elsewhere(poisoned: Poisoned) -> None:
    assert poisoned.appeared == {*POISONED, *GOOD, *KEYS}
    written = listed(poisoned.floor, "JobsBucket")
    assert [key for key in sorted(written) if not WRITTEN.fullmatch(key)] == []
    asked = {entry["job_id"] for entry in poisoned.entries.values() if "job_id" in entry}
    assert {f"jobs/{job_id}/input/manifest.jsonl" for job_id in asked} <= written


def test_the_model_server_lives_on_and_stays_small(poisoned: Poisoned) -> None:
    (most,) = poisoned.memory.values()
    assert most < MAX_MEMORY


def test_the_audit_accounts_for_each(poisoned: Poisoned) -> None:
    stack = poisoned.floor.stack
    report = audit_once(Deployment(stack.name, stack.outputs, stack.client), PATIENCE, datetime.now(UTC))

    assert [finding for finding in report.audit.findings if finding.key in poisoned.entries] == []
    assert report.audit.removed >= len(UNLISTED)
    assert sum(report.audit.places.values()) >= len(poisoned.entries)
