import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from binlab.data.dataset import read_images
from binlab.data.sources import listed
from binlab.data.synthetic import write_bin
from binmodel.images import decode

from tests.unit.training.data.s3 import FakeS3, serving
from training.collect import main

SCRIPT = Path(__file__).parents[4] / "training" / "collect.py"


@pytest.fixture
def bucket(tmp_path: Path):
    """Seven bins of each count from 0 to 6."""
    for number in range(49):
        write_bin(tmp_path / "bucket", 100 * number, number % 7)
    with serving(FakeS3(tmp_path / "bucket")) as served:
        yield served


def collect(bucket: FakeS3, out: Path, *more: object) -> int:
    flags = ["--source", "s3://bins", "--endpoint", bucket.endpoint, "--out", out, "--workers", 4, *more]
    return main([str(flag) for flag in flags])


def ids(out: Path) -> list[str]:
    return sorted(path.stem for path in (out / "bin-images").iterdir())


def failed(out: Path) -> dict[str, str]:
    with (out / "failed.csv").open(newline="") as file:
        return {row["id"]: row["reason"] for row in csv.DictReader(file)}


def test_a_draw_has_as_many_of_each_class_and_asks_anonymously(bucket, tmp_path) -> None:
    out = tmp_path / "out"

    assert collect(bucket, out, "--photos", 16) == 0
    images = read_images(out)
    assert Counter(image.count for image in images) == {1: 4, 2: 3, 3: 3, 4: 3, 5: 3}
    assert all(image.path.read_bytes() == bucket.objects[f"bin-images/{image.id}.jpg"] for image in images)
    assert all(image.contents for image in images)
    assert bucket.signed == []
    assert not (out / "failed.csv").exists()


def test_the_seed_decides_the_draw(bucket, tmp_path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        collect(bucket, tmp_path / name, "--photos", 10, "--seed", seed)

    assert ids(tmp_path / "a") == ids(tmp_path / "b") != ids(tmp_path / "c")


def test_a_second_run_downloads_nothing_again(bucket, tmp_path) -> None:
    collect(bucket, tmp_path / "out", "--photos", 10)
    bucket.asked.clear()

    assert collect(bucket, tmp_path / "out", "--photos", 10) == 0
    assert set(bucket.asked) <= {"labels.csv"}


def test_more_photos_are_added_to_those_that_are_there(bucket, tmp_path) -> None:
    collect(bucket, tmp_path / "out", "--photos", 10)
    fewer = ids(tmp_path / "out")
    bucket.asked.clear()
    collect(bucket, tmp_path / "out", "--photos", 20)

    assert set(fewer) < set(ids(tmp_path / "out"))
    assert not {f"bin-images/{name}.jpg" for name in fewer} & set(bucket.asked)


def test_a_truncated_photo_is_downloaded_again(bucket, tmp_path) -> None:
    collect(bucket, tmp_path / "out", "--photos", 10)
    name = ids(tmp_path / "out")[3]
    path = tmp_path / "out" / "bin-images" / f"{name}.jpg"
    path.write_bytes(path.read_bytes()[:100])

    assert collect(bucket, tmp_path / "out", "--photos", 10) == 0
    assert path.read_bytes() == bucket.objects[f"bin-images/{name}.jpg"]


def test_a_broken_download_is_retried(bucket, tmp_path) -> None:
    bucket.faults = {"bin-images/00100.jpg": ["busy", "cut", "other"], "metadata/00200.json": ["other", "busy"]}

    assert collect(bucket, tmp_path / "out", "--all") == 0
    assert bucket.asked["bin-images/00100.jpg"] == 4
    assert bucket.asked["metadata/00200.json"] == 3
    assert (tmp_path / "out/bin-images/00100.jpg").read_bytes() == bucket.objects["bin-images/00100.jpg"]
    assert len(ids(tmp_path / "out")) == 49


def test_failures_are_listed_and_the_rest_is_downloaded(bucket, tmp_path, capsys) -> None:
    bucket.objects["bin-images/00100.jpg"] = b"\xff\xd8\xff not a photo"
    bucket.objects["metadata/00300.json"] = b"[]"
    del bucket.objects["metadata/00500.json"]
    bucket.faults = {"bin-images/00700.jpg": ["other"] * 9}
    broken = {"00100": "corrupt_image", "00300": "no_count", "00500": "missing", "00700": "damaged"}

    assert collect(bucket, tmp_path / "out", "--all", "--json") == 3
    assert failed(tmp_path / "out") == broken
    assert json.loads(capsys.readouterr().out) == {
        "collected": 45, "wanted": 49, "failed": 4, "classes": {"0": 6, "1": 6, "2": 7, "3": 6, "4": 7, "5": 6, "6": 7},
    }  # fmt: skip
    assert not set(broken) & set(ids(tmp_path / "out"))

    bucket.faults = {}
    assert collect(bucket, tmp_path / "out", "--all") == 3
    assert "00700" not in failed(tmp_path / "out")


def test_a_list_by_class_is_fetched_and_its_labels_stand_in_for_records(bucket, tmp_path) -> None:
    names = tmp_path / "list.json"
    names.write_text(json.dumps({"1": ["data/metadata/00100.json"], "2": ["data/metadata/00200.json"]}))
    del bucket.objects["metadata/00200.json"]

    assert collect(bucket, tmp_path / "out", "--list", names) == 0
    assert [(image.id, image.count) for image in read_images(tmp_path / "out")] == [("00100", 1), ("00200", 2)]
    assert bucket.asked["list"] == 0, "half a million keys are listed for nothing"


def test_a_source_with_too_few_of_a_class_is_reported(bucket, tmp_path, capsys) -> None:
    assert collect(bucket, tmp_path / "out", "--photos", 50) == 0
    assert "35 of 50 photos" in (said := capsys.readouterr().out)
    assert "The source has no more" in said


def test_a_folder_in_the_same_layout_is_a_source(tmp_path) -> None:
    for number in range(20):
        write_bin(tmp_path / "bins", 10 * number, 1 + number % 5 if number < 15 else None)
    (tmp_path / "bins/labels.csv").write_text("id,count\n" + "".join(f"{10 * n:05},4\n" for n in range(15, 20)))

    assert main(["--source", str(tmp_path / "bins"), "--out", str(tmp_path / "out"), "--all"]) == 0
    assert read_counts(tmp_path / "out") == read_counts(tmp_path / "bins")


def read_counts(root: Path) -> dict[str, int]:
    return {image.id: image.count for image in read_images(root)}


def test_a_killed_run_continues_and_leaves_no_partial_files(bucket, tmp_path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, SCRIPT, "--source", "s3://bins", "--endpoint", bucket.endpoint, "--out", out, "--all"]
    bucket.faults = {"bin-images/04000.jpg": ["busy"] * 3}  # which holds the run up for a second or more
    process = subprocess.Popen(
        [*command, "--workers", "2"], stderr=subprocess.DEVNULL, env={**os.environ, "TQDM_DISABLE": "1"}
    )
    while not (out / "bin-images").exists() or len(ids(out)) < 20:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with (out / ".collect/sizes.csv").open("a") as file:
        file.write("041")  # half a line
    there = [path for path in (out / "bin-images").glob("*.jpg") if decode(path.read_bytes(), side=32)]
    before = Counter(bucket.asked)

    assert collect(bucket, out, "--all") == 0
    again = Counter(bucket.asked) - before
    assert sum(again[f"bin-images/{path.name}"] for path in there) <= 2, "but for what was not noted yet"
    assert len(ids(out)) == 49


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--source", "nowhere"], "nor a folder"),
        (["--photos", "0"], "must be at least 1"),
        (["--all", "--photos", "5"], "not allowed with"),
    ],
)
def test_wrong_flags_are_refused(tmp_path, capsys, flags, why) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--out", str(tmp_path), *flags])
    assert why in capsys.readouterr().err


def test_an_unreachable_source_is_reported(tmp_path, capsys) -> None:
    flags = ["--source", "s3://bins", "--endpoint", "http://127.0.0.1:9", "--out", str(tmp_path), "--attempts", "1"]

    assert main(flags) == 2
    assert "127.0.0.1:9" in capsys.readouterr().err


def test_a_folder_is_filled_from_one_source_only(bucket, tmp_path, capsys) -> None:
    collect(bucket, tmp_path / "out", "--photos", 5)

    assert main(["--source", str(tmp_path / "bucket"), "--out", str(tmp_path / "out"), "--all"]) == 2
    assert "was filled from s3://bins" in capsys.readouterr().err


def test_a_run_that_collected_nothing_does_not_claim_the_folder(bucket, tmp_path) -> None:
    out = tmp_path / "out"
    collect(bucket, out, "--all", "--endpoint", "http://127.0.0.1:9", "--attempts", "1")
    assert collect(bucket, out, "--photos", 5, "--source", "s3://bins/nowhere") == 0
    assert ids(out) == []

    assert collect(bucket, out, "--photos", 5) == 0
    assert len(ids(out)) == 5


def test_a_list_of_another_form_is_refused(tmp_path) -> None:
    (tmp_path / "list.json").write_text('["a", "b"]')
    with pytest.raises(ValueError, match="must be a JSON object of lists by class"):
        listed(tmp_path / "list.json")
