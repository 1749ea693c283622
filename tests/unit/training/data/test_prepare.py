import csv
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from binlab.data.dataset import CLASSES, image_path, read_images, read_manifest, read_split
from binlab.data.preparing import fit_size, upright_size
from binlab.data.synthetic import draw_bin, write_bin
from binlocal.environment import client_environment, create_client
from binlocal.ministack import ministack_environment, start_ministack
from binlocal.processes import free_port, stopping, wait_until_ready
from binlocal.state import READY_PATH
from binmodel.images import decode
from boto3.exceptions import S3UploadFailedError
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from training.prepare import main, upload


@pytest.fixture
def bins(tmp_path: Path) -> Path:
    """Sixty good bins, ten of them in twos that show one bin, and one bin of each fault."""
    root = tmp_path / "bins"
    for number in range(50):
        write_bin(root, 100 * number, number % 8)
    for number in range(50, 55):
        write_bin(root, 100 * number, 3, {f"X{number}": 2, "Y": 1})
        write_bin(root, 100 * number + 1, 2, {f"X{number}": 2}, seed=7000 + number)
    shutil.copy(image_path(root, "00100"), image_path(root, "90001"))  # the same file, the same count
    shutil.copy(root / "metadata/00100.json", root / "metadata/90001.json")
    for name, count in (("90002", 2), ("90003", 4)):  # the same file, two counts
        write_bin(root, int(name), count, seed=90)
        draw_bin(3, 90).save(image_path(root, name))
    write_bin(root, 90004, 3)
    image_path(root, "90004").write_bytes(image_path(root, "90004").read_bytes()[:400])
    write_bin(root, 90005, None)
    write_bin(root, 90006, 3)
    (root / "metadata/90006.json").write_text("{")
    write_bin(root, 90007, 3, {"A": 1, "B": 1})
    return root


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of MiniStack, which signs its requests as the user's own would."""
    folder = tmp_path_factory.mktemp("ministack")
    environment = client_environment(f"http://127.0.0.1:{free_port()}", "http://127.0.0.1:9")
    with stopping(start_ministack(ministack_environment(environment, folder), folder / "log")) as server:
        wait_until_ready(server, environment["AWS_ENDPOINT_URL"] + READY_PATH, 60)
        yield create_client(environment, "s3")


REASONS = {
    "90001": "duplicate", "90002": "contradictory", "90003": "contradictory", "90004": "undecodable",
    "90005": "unlabelled", "90006": "unlabelled", "90007": "contradictory",
}  # fmt: skip


def prepare(data: Path, out: Path, *more: object) -> int:
    return main([str(flag) for flag in ("--data", data, "--out", out, "--workers", 1, *more)])


def excluded(out: Path) -> dict[str, dict[str, str]]:
    with (out / "excluded.csv").open(newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def splits(root: Path) -> dict[str, str]:
    return {image.id: side for side, images in read_split(root, lambda _: True).items() for image in images}


def state(root: Path) -> dict[str, tuple[bytes, int]]:
    files = [path for path in root.rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_unsuitable_photos_are_excluded_with_a_reason(bins, tmp_path) -> None:
    out = tmp_path / "out"

    assert prepare(bins, out) == 0
    assert {name: row["reason"] for name, row in excluded(out).items()} == REASONS
    assert excluded(out)["90001"]["detail"] == "00100: the same file"
    assert excluded(out)["90002"]["detail"] == "90003: the same file, labelled 4 there and 2 here"
    assert excluded(out)["90006"]["detail"] == "the metadata is not a JSON object"
    assert excluded(out)["90007"]["detail"] == "the label is 3, but the record lists 2"
    kept = {path.stem for path in (bins / "bin-images").iterdir()} - set(REASONS)
    assert {path.stem for path in (out / "bin-images").iterdir()} == kept
    assert {path.stem for path in (out / "metadata").iterdir()} == kept


def test_empty_and_over_range_bins_stay(bins, tmp_path) -> None:
    prepare(bins, tmp_path / "out")
    counts = Counter(image.count for image in read_images(tmp_path / "out"))

    assert counts[0] == 7
    assert counts[6] == counts[7] == 6


def test_a_split_is_the_same_with_and_without_preparation(bins, tmp_path) -> None:
    prepare(bins, tmp_path / "out", "--side", 32)
    before, after = splits(bins), splits(tmp_path / "out")

    assert set(after) < set(before)
    assert after == {name: before[name] for name in after}
    assert set(after.values()) == {"train", "validation", "test"}
    prepared = {image.id: (image.count, image.contents) for image in read_images(tmp_path / "out")}
    assert prepared == {image.id: (image.count, image.contents) for image in read_images(bins) if image.id in prepared}


def test_a_prepared_folder_is_split_without_opening_a_photo(bins, tmp_path) -> None:
    prepare(bins, tmp_path / "out")
    before = splits(tmp_path / "out")
    shutil.rmtree(tmp_path / "out/bin-images")
    shutil.rmtree(tmp_path / "out/metadata")

    assert splits(tmp_path / "out") == before


def test_the_manifest_lists_the_folder(bins, tmp_path) -> None:
    prepare(bins, tmp_path / "out", "--side", 32)
    rows = read_manifest(tmp_path / "out") or []

    assert [row.id for row in rows] == sorted(row.id for row in rows)
    assert all(
        upright_size(image_path(tmp_path / "out", row.id)) == (row.width, row.height) == (32, 32) for row in rows
    )
    assert {row.group for row in rows} <= {image.id for image in read_images(bins)}
    summary = json.loads((tmp_path / "out/prepared.json").read_text())
    assert summary["kept"] == len(rows)
    assert sum(number for side in summary["splits"].values() for number in side.values()) == len(rows)


def test_a_second_run_writes_nothing(bins, tmp_path, capsys) -> None:
    prepare(bins, tmp_path / "out")
    before = state(tmp_path / "out")

    assert prepare(bins, tmp_path / "out", "--json") == 0
    assert state(tmp_path / "out") == before
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["written"] == 0


def test_a_stopped_run_is_completed(bins, tmp_path) -> None:
    prepare(bins, tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "half")
    for name in ("manifest.csv", "prepared.json", "bin-images/00200.jpg"):
        (tmp_path / "half" / name).unlink()
    (tmp_path / "half/bin-images/00200.jpg.part").write_bytes(b"half")
    prepare(bins, tmp_path / "half")

    assert state(tmp_path / "half").keys() == state(tmp_path / "whole").keys()
    assert read_manifest(tmp_path / "half") == read_manifest(tmp_path / "whole")


def test_only_new_changed_or_removed_photos_are_processed(bins, tmp_path) -> None:
    prepare(bins, tmp_path / "out")
    before = state(tmp_path / "out")
    write_bin(bins, 5900, 2)
    image_path(bins, "00100").unlink()
    draw_bin(2, 4242).save(image_path(bins, "00200"))
    prepare(bins, tmp_path / "out")
    after = state(tmp_path / "out")

    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    images = {name for name in changed if name.startswith("bin-images")}
    assert images == {f"bin-images/{name}.jpg" for name in ("05900", "00100", "00200", "90001")}
    assert "bin-images/00100.jpg" not in after


def test_another_size_is_made_anew(bins, tmp_path) -> None:
    for side in (48, 32):
        prepare(bins, tmp_path / "out", "--side", side)
    assert {upright_size(path) for path in (tmp_path / "out/bin-images").iterdir()} == {(32, 32)}


def test_balancing_is_deterministic_and_affects_only_training(bins, tmp_path) -> None:
    prepare(bins, tmp_path / "all")
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        prepare(bins, tmp_path / name, "--balance", 3, "--seed", seed)
    whole, a, b, c = (splits(tmp_path / name) for name in ("all", "a", "b", "c"))

    assert a == b != c
    counts = Counter(min(image.count, 6) for image in read_split(tmp_path / "a", lambda _: True)["train"])
    assert max(counts.values()) == 3
    for side in ("validation", "test"):
        assert {name for name in a if a[name] == side} == {name for name in whole if whole[name] == side}
    assert Counter(row["reason"] for row in excluded(tmp_path / "a").values())["balance"] == len(whole) - len(a)


def test_a_photo_that_is_not_larger_is_copied_byte_for_byte(tmp_path) -> None:
    for number, size in ((10, (90, 64)), (20, (180, 128)), (30, (128, 500))):
        write_bin(tmp_path / "bins", number, 1 + number // 10)
        draw_bin(2, number).resize(size).save(image_path(tmp_path / "bins", f"{number:05}"), quality=90)
    prepare(tmp_path / "bins", tmp_path / "out", "--side", 64)
    small, large, high = (image_path(tmp_path / "out", name) for name in ("00010", "00020", "00030"))

    assert small.read_bytes() == image_path(tmp_path / "bins", "00010").read_bytes()
    assert [upright_size(path) for path in (large, high)] == [(90, 64), (64, 250)]
    assert decode(large.read_bytes(), side=1000).size == (90, 64)


def test_a_photo_on_its_side_is_put_upright_when_it_is_resized(tmp_path) -> None:
    write_bin(tmp_path / "bins", 10, 1)
    exif = Image.Exif()
    exif[0x0112] = 6
    draw_bin(1, 1).resize((200, 100)).save(image_path(tmp_path / "bins", "00010"), exif=exif)
    prepare(tmp_path / "bins", tmp_path / "out", "--side", 50)
    prepare(tmp_path / "bins", tmp_path / "kept", "--side", 100)

    assert decode(image_path(tmp_path / "out", "00010").read_bytes(), side=1000).size == (50, 100)
    assert [(row.width, row.height) for row in read_manifest(tmp_path / "kept") or []] == [(100, 200)]


def test_photos_are_duplicates_if_contents_are_equal_and_hashes_close(tmp_path) -> None:
    root = tmp_path / "bins"
    for number, contents, count in ((10, {"A": 2}, 2), (11, {"A": 2}, 2), (12, {"A": 2, "B": 1}, 3)):
        write_bin(root, number, count, contents)
        bin_image = draw_bin(2, 5, side=128)
        grey = np.asarray(bin_image).astype(float) * (1 - number % 10 / 50)  # another light
        Image.fromarray(grey.astype(np.uint8)).save(image_path(root, f"{number:05}"), quality=80)
    prepare(root, tmp_path / "out")

    assert {name: row["reason"] for name, row in excluded(tmp_path / "out").items()} == {"00011": "near_duplicate"}
    assert excluded(tmp_path / "out")["00011"]["detail"].startswith("00010: the same bin")


def keys(s3: Any, bucket: str) -> dict[str, str]:
    return {each["Key"]: each["ETag"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}


def test_a_prepared_folder_is_sent_once(bins, tmp_path, s3) -> None:
    out = tmp_path / "out"
    prepare(bins, out)
    s3.create_bucket(Bucket="once")
    files = {f"bins/{path.relative_to(out).as_posix()}" for path in out.rglob("*") if path.is_file()}

    assert upload(out, "s3://once/bins", s3) == (len(files), [])
    assert set(keys(s3, "once")) == files
    assert upload(out, "s3://once/bins/", s3) == (0, [])
    s3.put_object(Bucket="once", Key="bins/manifest.csv", Body=b"of another run")
    s3.delete_object(Bucket="once", Key="bins/bin-images/00000.jpg")
    assert upload(out, "s3://once/bins", s3) == (2, [])
    assert set(keys(s3, "once")) == files


def test_an_upload_that_fails_says_so_and_sends_no_manifest(bins, tmp_path, s3, capsys, monkeypatch) -> None:
    s3.create_bucket(Bucket="refusing")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    flags = ["--endpoint", s3.meta.endpoint_url]

    assert prepare(bins, tmp_path / "out", "--upload", "s3://nowhere/bins", *flags) == 3
    assert "cannot be listed" in capsys.readouterr().err
    assert (tmp_path / "out/manifest.csv").exists()
    assert len(upload(tmp_path / "out", "s3://refusing", Refusing(s3))[1]) == 1
    assert "manifest.csv" not in keys(s3, "refusing")


class Refusing:
    """An S3 that takes all but one photo."""

    def __init__(self, s3: Any) -> None:
        self.get_paginator = s3.get_paginator
        self.s3 = s3

    def upload_file(self, path: str, bucket: str, key: str, **more: Any) -> None:
        if key.endswith("00000.jpg"):
            raise S3UploadFailedError("no room")
        self.s3.upload_file(path, bucket, key, **more)


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--side", "0"], "must be at least 1"),
        (["--hash-distance", "64"], "from 0 to 63"),
        (["--upload", "bucket"], "s3://BUCKET/PREFIX"),
    ],
)
def test_wrong_flags_are_refused(tmp_path, capsys, flags, why) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--data", str(tmp_path), *flags])
    assert why in capsys.readouterr().err


def test_folders_that_can_not_be_prepared_say_why(bins, tmp_path, capsys) -> None:
    assert prepare(tmp_path / "nowhere", tmp_path / "out") == 2
    assert "No labelled photos" in capsys.readouterr().err
    prepare(bins, tmp_path / "out")
    assert prepare(tmp_path / "out", tmp_path / "again") == 2
    assert "is already prepared" in capsys.readouterr().err


def test_a_manifest_of_others_is_refused(tmp_path) -> None:
    (tmp_path / "manifest.csv").write_text("name,label\na,1\n")
    with pytest.raises(ValueError, match="other columns"):
        read_images(tmp_path)


@given(st.integers(16, 4000), st.integers(16, 4000), st.integers(8, 512))
def test_the_shorter_side_fits_and_the_aspect_ratio_is_kept(width: int, height: int, side: int) -> None:
    new = fit_size(width, height, side)

    assert min(new) == min(side, width, height)
    assert abs(new[0] * height - new[1] * width) <= max(width, height)
    assert fit_size(height, width, side) == new[::-1]


def test_training_reads_a_prepared_folder_as_it_reads_the_original(bins, tmp_path) -> None:
    prepare(bins, tmp_path / "out")

    assert {image.count for images in read_split(tmp_path / "out").values() for image in images} == set(CLASSES)
