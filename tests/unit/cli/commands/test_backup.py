from __future__ import annotations

import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from bincli.audit.collect import grace_periods, run_audit
from bincli.backup import files
from bincli.commands.backup import backup_view, restore_all, restore_view, write_backup
from bincli.errors import CommandError
from bincli.main import app
from typer.testing import CliRunner

from tests.unit.cli.moto_stack import NOW, MotoStack
from tests.unit.cli.printing import Printed

LATER = datetime.fromisoformat(NOW)
NUMBER = 5


def items(stack: MotoStack, name: str = "ImagesTable") -> list[dict[str, Any]]:
    found = stack.client("dynamodb").scan(TableName=stack.output(name))["Items"]
    return sorted(found, key=str)


def lose(stack: MotoStack, name: str, key: str) -> None:
    """Delete every item of a table."""
    for item in items(stack, name):
        stack.client("dynamodb").delete_item(TableName=stack.output(name), Key={key: item[key]})


def restored(stack: MotoStack, source: object, table: str | None = None, *, overwrite: bool = False) -> dict[str, Any]:
    found = restore_all(stack.deployment, str(source), table, Printed(), overwrite=overwrite)
    return {each.table: (each.written, each.kept) for each in found}


@pytest.fixture
def saved(stack: MotoStack, tmp_path: Path) -> Path:
    """The backup of a stack with five counted images."""
    stack.finished(*(f"P-{number}/a.jpg" for number in range(NUMBER)))
    write_backup(stack.deployment, tmp_path / "backup", Printed(), LATER)
    return tmp_path / "backup"


def test_what_was_lost_comes_back_as_it_was_and_the_audit_is_clean(stack: MotoStack, saved: Path) -> None:
    before = items(stack), items(stack, "BinsTable"), items(stack, "JobsTable")
    for name, key in (("ImagesTable", "image_id"), ("BinsTable", "bin_id"), ("JobsTable", "job_id")):
        lose(stack, name, key)
    assert not run_audit(stack.deployment, grace_periods(stack.deployment, 0, 0)).audit.is_clean

    restored(stack, saved)

    assert (items(stack), items(stack, "BinsTable"), items(stack, "JobsTable")) == before
    assert run_audit(stack.deployment, grace_periods(stack.deployment, 0, 0)).audit.is_clean


def test_what_a_table_has_is_kept_unless_it_is_to_be_replaced(stack: MotoStack, saved: Path) -> None:
    item = items(stack)[0] | {"status": {"S": "FAILED"}}
    stack.client("dynamodb").put_item(TableName=stack.output("ImagesTable"), Item=item)

    assert restored(stack, saved, None)[stack.output("ImagesTable")] == (0, NUMBER)
    assert item in items(stack)

    assert restored(stack, saved, None, overwrite=True)[stack.output("ImagesTable")] == (NUMBER, 0)
    assert item not in items(stack)


def test_one_table_comes_from_an_export_of_dynamodb(stack: MotoStack, saved: Path) -> None:
    exported = next((saved / "bins" / "data").iterdir()).read_bytes()
    bucket = stack.output("JobsBucket")
    stack.client("s3").put_object(Bucket=bucket, Key="AWSDynamoDB/01-a/data/x.json.gz", Body=exported)
    stack.client("s3").put_object(Bucket=bucket, Key="AWSDynamoDB/01-a/manifest-summary.json", Body=b"{}")
    lose(stack, "BinsTable", "bin_id")

    assert restored(stack, f"s3://{bucket}/AWSDynamoDB/01-a/data/", "bins") == {stack.output("BinsTable"): (NUMBER, 0)}


def test_one_table_comes_from_a_table_that_aws_restored_beside_it(stack: MotoStack, saved: Path) -> None:
    lose(stack, "BinsTable", "bin_id")
    source = f"table:{stack.output('BinsTable')}"
    stack.client("dynamodb").put_item(TableName=stack.output("BinsTable"), Item={"bin_id": {"S": "P-1"}})

    assert restored(stack, source, "bins") == {stack.output("BinsTable"): (0, 1)}


def test_large_tables_are_written_in_several_files(tmp_path: Path) -> None:
    expected = [{"bin_id": {"S": str(number)}} for number in range(5)]

    assert files.write_items(tmp_path, iter(expected), 2) == 5
    assert len(list((tmp_path / "data").iterdir())) == 3
    assert list(files.read_items(tmp_path)) == expected


def test_a_backup_does_not_go_into_a_folder_with_something_in_it(stack: MotoStack, saved: Path) -> None:
    with pytest.raises(CommandError, match="not empty"):
        write_backup(stack.deployment, saved, Printed(), LATER)


def test_a_backup_that_was_broken_off_is_not_restored(stack: MotoStack, saved: Path) -> None:
    (saved / files.MANIFEST).unlink()

    with pytest.raises(CommandError, match="not a complete backup"):
        restored(stack, saved)


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"no json"), gzip.compress(b'{"Item": {}}\n')[:-9]],
    ids=[
        "not gzip",
        "not JSON",
        "truncated",
    ],  # a name of its own: gzip has the time in it, which differs in each worker
)
def test_a_damaged_file_is_reported(stack: MotoStack, saved: Path, content: bytes) -> None:
    (path,) = (saved / "bins" / "data").iterdir()
    path.write_bytes(content)

    with pytest.raises(CommandError, match="is damaged"):
        restored(stack, saved)


@pytest.mark.parametrize("source", ["nowhere", "s3://test-jobsbucket/nothing/"])
def test_a_location_without_an_export_is_reported(stack: MotoStack, source: str) -> None:
    with pytest.raises(CommandError, match="has no files"):
        restored(stack, source, "bins")


@pytest.mark.parametrize("words", [["s3://exports/x"], ["table:a"], ["backup", "--table", "nothing"]])
def test_a_source_of_one_table_needs_its_name(words: list[str]) -> None:
    assert CliRunner().invoke(app, ["restore", *words]).exit_code == 2


def test_people_see_how_many_items_there_are(stack: MotoStack, saved: Path) -> None:
    output = Printed()
    output.emit([], backup_view(json.loads((saved / files.MANIFEST).read_text()), saved))
    output.emit([], restore_view(restore_all(stack.deployment, str(saved), None, output, overwrite=False)))

    assert ["images", "5"] in output.rows
    assert "0 items restored. `bintally audit` says if any photo is lost." in output.stdout
