from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bincli.commands.replay import model_of, run_replay
from bincli.deployment import Deployment
from bincli.errors import CommandError
from bincli.model.replay import Comparison, compare, count_in_subprocess, download, newest_counts
from bincli.model.replay_view import replay_record, replay_view, tiles
from binmodel.artifact import shipped
from bintally.adapters.consignments import DynamoOrders
from bintally.domain.bins import BinCount, BinStatus
from bintally.domain.verdicts import OrderLine, Verdict
from PIL import Image

from tests.unit.cli.model.account import BUCKET, Account, write_bundle
from tests.unit.cli.moto_stack import NOW, MotoStack
from tests.unit.cli.printing import Printed
from tests.unit.functions.aws import client
from tests.unit.functions.examples import make_image, order_line

SURE = {1: 0.02, 2: 0.9, 3: 0.04, 4: 0.02, 5: 0.02}


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), "#886644").save(buffer, "JPEG")
    return buffer.getvalue()


class Replayed:
    """A stack with counted bins, and a candidate that says what a test tells it."""

    def __init__(self, stack: MotoStack, keys: Sequence[str]) -> None:
        self.stack = stack
        self.images = [stack.upload(key, jpeg()) for key in keys]
        stack.bins.record([BinCount(i, BinStatus.COUNTED, 2, 0.9, SURE, "resnet50@old") for i in self.images], NOW)
        table = stack.output("ConsignmentsTable")
        orders = DynamoOrders(stack.client("dynamodb"), table)
        orders.put([replace(order_line(2, bin_id=image.bin_id), due_at=NOW) for image in self.images], NOW)
        variables = {"DISCREPANCY_RATE": "0.3", "DISCREPANCY_STEPS": "0.4,0.3,0.3"}
        variables |= {"MATCH_RISK": "0.1", "VARIANCE_THRESHOLD": "0.6"}
        stack.functions.get_function_configuration = lambda **request: {  # type: ignore[method-assign]
            "Environment": {"Variables": variables}
        }
        self.answers: dict[str, Any] = {}

    def count(self, model: Path, photos: Path) -> list[dict[str, Any]]:
        found = []
        for path in sorted(photos.iterdir()):
            image = next(image for image in self.images if image.image_id == path.stem)
            found.append({"image": str(path), "model": "resnet50@new", **self.answers.get(image.key, prediction(2))})
        return found

    def run(self, folder: Path, images: int = 100, report: Path | None = None) -> tuple[list[Comparison], int]:
        folder.mkdir(exist_ok=True)
        return run_replay(self.stack.deployment, shipped(), "live", images, folder, count=self.count, report=report)


def prediction(count: int) -> dict[str, Any]:
    shares = {str(number): 0.9 if number == count else 0.025 for number in range(1, 6)}
    return {"count": count, "confidence": 0.9, "probabilities": shares}


UNREADABLE = {"error": {"code": "corrupt_image", "message": "Damaged."}}


def test_changes_of_counts_and_verdicts_are_found_the_worst_first(stack: MotoStack, tmp_path: Path) -> None:
    replayed = Replayed(stack, ["a/1.jpg", "b/1.jpg", "c/1.jpg", "d/1.png"])
    replayed.answers = {"b/1.jpg": prediction(5), "c/1.jpg": UNREADABLE}

    found, missing = replayed.run(tmp_path / "photos")
    record = replay_record(found, missing)

    assert [one.before.bin_id for one in found] == ["c", "b", "a", "d"]
    assert (record["images"], record["counts_changed"], record["changed_by_more_than_one"]) == (4, 2, 2)
    assert (record["unreadable"], record["verdicts_changed"], record["lines"]) == (1, 2, 4)
    assert {"live": "MATCH", "candidate": "OVER", "lines": 1} in record["verdicts"]
    assert record["models"] == {"live": ["resnet50@old"], "candidate": ["resnet50@new"]}
    assert [change["change"] for change in record["changes"]] == ["2 > -", "2 > 5"]


def test_a_model_that_says_the_same_changes_nothing(stack: MotoStack, tmp_path: Path) -> None:
    record = replay_record(*Replayed(stack, ["a/1.jpg"]).run(tmp_path / "photos"))
    output = Printed()
    output.emit([record], replay_view(record, None))

    assert (record["counts_changed"], record["verdicts_changed"], record["changes"]) == (0, 0, [])
    assert ["0 of 1 order line would get another verdict."] in output.rows


def test_missing_photos_are_omitted_and_reported(stack: MotoStack, tmp_path: Path) -> None:
    replayed = Replayed(stack, ["a/1.jpg", "b/1.jpg"])
    gone = replayed.images[0]
    stack.client("s3").delete_object(Bucket=gone.bucket, Key=gone.key, VersionId=gone.version_id)

    found, missing = replayed.run(tmp_path / "photos")

    assert ([one.before.bin_id for one in found], missing) == (["b"], 1)


def test_the_worst_changes_are_drawn(stack: MotoStack, tmp_path: Path) -> None:
    replayed = Replayed(stack, ["a/1.jpg", "b/1.jpg"])
    replayed.answers = {"b/1.jpg": prediction(5)}

    found, _ = replayed.run(tmp_path / "photos", report=tmp_path / "out" / "changes.png")

    (tile,) = tiles(found, {})
    assert (tile.bin_id, tile.verdict, tile.expected, tile.count) == ("b: 2 > 5", "OVER", 2, 5)
    with Image.open(tmp_path / "out" / "changes.png") as sheet:
        assert sheet.height > 400


def test_only_the_newest_photos_are_used(stack: MotoStack, tmp_path: Path) -> None:
    replayed = Replayed(stack, ["a/1.jpg", "b/1.jpg", "c/1.jpg"])

    assert len(replayed.run(tmp_path / "photos", images=2)[0]) == 2
    assert len(newest_counts(stack.deployment, 2)) == 2


def test_without_a_count_there_is_nothing_to_compare_with(stack: MotoStack, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nothing to compare with"):
        run_replay(stack.deployment, shipped(), "live", 5, tmp_path, count=lambda model, photos: [], report=None)


def test_keys_never_name_a_file(stack: MotoStack, tmp_path: Path) -> None:
    image = stack.upload("../../x/évil.exe", b"x")
    count = BinCount(image, BinStatus.COUNTED, 2, 0.9, SURE, "m")

    assert download(stack.client("s3"), [count], tmp_path) == {image.image_id: tmp_path / f"{image.image_id}.jpg"}


def test_withdrawn_lines_are_not_judged() -> None:
    count = BinCount(make_image(), BinStatus.COUNTED, 2, 0.9, SURE, "m")
    lines = [replace(order_line(2), verdict=Verdict.WITHDRAWN), order_line(3)]

    def judge(line: OrderLine, count: BinCount) -> Verdict:
        return Verdict.MATCH

    (one,) = compare([count], {count.image.image_id: count}, lines, judge)

    assert [line.expected for line, _, _ in one.verdicts] == [3]


@pytest.mark.slow
def test_the_shipped_model_counts_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())

    (record,) = count_in_subprocess(shipped(), tmp_path)

    assert "count" in record
    assert json.dumps(record)
    with pytest.raises(CommandError, match="could not count"):
        count_in_subprocess(tmp_path, tmp_path)


def test_a_model_of_the_registry_is_downloaded(aws_account: Account) -> None:
    package = aws_account.push("aaaa00000001")
    deployment = Deployment("prod", {}, aws_account.client)

    with model_of(str(package.number), deployment, "bintally") as folder:
        assert "aaaa00000001" in (folder / "model.json").read_text()
    assert client("s3").list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1


def test_a_bundle_on_this_machine_needs_no_registry(tmp_path: Path) -> None:
    deployment = Deployment("prod", {}, lambda service: None)

    with model_of(str(write_bundle(tmp_path / "m.tar.gz", "abc")), deployment, "bintally") as folder:
        assert (folder / "model.json").is_file()
