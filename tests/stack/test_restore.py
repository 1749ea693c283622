"""The restore that docs/operate.md describes: tables and photos are lost and come back, and the audit is clean."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from binlocal.environment import create_client
from binlocal.state import find_running

from tests.documents import ROOT, commands
from tests.stack.beside import OWN, running_up

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]
PICTURES = sorted((ROOT / "tests" / "photos").glob("*.jpg"))[:3]
KEYS = {
    "ImagesTable": ["image_id"],
    "BinsTable": ["bin_id"],
    "JobsTable": ["job_id"],
    "DecisionsTable": ["bin_id", "decision_id"],
    "ConsignmentsTable": ["consignment_id", "bin_id"],
}
BACKUP, RESTORE = "bintally backup .work/local-backup", "bintally restore .work/local-backup"
AUDIT = "bintally audit --notification-grace 0 --submission-grace 0 --wait 120"


class Shell:
    """A person's shell beside a running stack, and the stack's tables and bucket."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        state = find_running(Path(environment["BINTALLY_WORK"]) / OWN)
        assert state is not None
        self.outputs: dict[str, str] = state["outputs"]
        self.dynamodb = create_client(state["environment"], "dynamodb")
        self.s3 = create_client(state["environment"], "s3")
        self.bucket = self.outputs["IntakeBucket"]

    def types(self, line: str, code: int = 0) -> str:
        line = line.replace(".work/local", str(Path(self.environment["BINTALLY_WORK"]) / OWN))
        done = subprocess.run(
            ["bash", "-c", line], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, (line, done)
        return done.stdout

    def reads(self) -> tuple[list[Any], list[Any]]:
        """What a person sees of bins and order lines."""
        bins = [json.loads(line) for line in self.types("bintally bins --json").splitlines()]
        lines = [json.loads(line) for line in self.types("bintally consignment C-1001 --json").splitlines()]
        return bins, lines

    def empties_tables(self) -> None:
        for name, keys in KEYS.items():
            table = self.outputs[name]
            for item in self.dynamodb.scan(TableName=table)["Items"]:
                self.dynamodb.delete_item(TableName=table, Key={key: item[key] for key in keys})

    def versions(self, kind: str) -> list[dict[str, Any]]:
        return list(self.s3.list_object_versions(Bucket=self.bucket).get(kind, []))

    def removes(self, versions: list[dict[str, Any]]) -> None:
        for each in versions:
            self.s3.delete_object(Bucket=self.bucket, Key=each["Key"], VersionId=each["VersionId"])


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Beside a stack with three counted photos and an order."""
    with running_up(tmp_path_factory.mktemp("up")) as environment:
        shell = Shell(environment)
        for number, path in enumerate(PICTURES):
            shell.s3.put_object(Bucket=shell.bucket, Key=f"P-17-{number}/a.jpg", Body=path.read_bytes())
        shell.types("bintally orders import events/messages/orders.csv")
        shell.types(AUDIT)
        yield shell


def test_the_document_shows_what_is_typed_here() -> None:
    assert {BACKUP, RESTORE} <= set(commands(ROOT / "docs" / "operate.md"))


def test_lost_tables_and_a_deleted_photo_come_back(shell: Shell) -> None:
    before = shell.reads()
    shell.types(BACKUP)

    shell.empties_tables()
    shell.s3.delete_object(Bucket=shell.bucket, Key="P-17-0/a.jpg")
    assert "not accounted for" in shell.types("bintally audit --notification-grace 0 --submission-grace 0", 1)

    shell.removes(shell.versions("DeleteMarkers"))
    shell.types(RESTORE)
    assert "3 photos accounted for, none lost." in shell.types(AUDIT)
    assert shell.reads() == before


def test_photos_of_a_lost_bucket_are_counted_again_from_a_copy(shell: Shell, tmp_path: Path) -> None:
    for number, path in enumerate(PICTURES):
        (tmp_path / f"P-17-{number}").mkdir()
        shutil.copy(path, tmp_path / f"P-17-{number}" / "a.jpg")
    shell.removes([*shell.versions("Versions"), *shell.versions("DeleteMarkers")])

    shell.types(f"bintally backfill {tmp_path}")

    assert "6 photos accounted for, none lost." in shell.types(AUDIT)
    assert len(shell.versions("Versions")) == len(PICTURES)
