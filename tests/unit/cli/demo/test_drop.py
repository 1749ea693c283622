import io

import pytest
from bincli.demo.drop import Watch, follow, run_drop, upload
from bincli.demo.photos import Photo
from bincli.deployment import Deployment
from rich.console import Console

from tests.unit.cli.fakes import OUTPUTS, FakeS3, FakeSystem
from tests.unit.cli.images import write_jpegs


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    def sleep(self, seconds):
        self.now += seconds

    def watch(self, timeout=20.0):
        return Watch(lambda: self.now, self.sleep, timeout)


def photos(folder, keys):
    write_jpegs(folder, dict.fromkeys(keys, 1))
    return [Photo(folder / key, key, 1) for key in keys]


def dropped(folder, counts, orders=b""):
    system = FakeSystem(counts)
    if orders:
        system.import_orders("orders.csv", orders, "o")
    clock = Clock()
    result = run_drop(
        photos(folder, list(counts)), system.deployment, err=Console(file=io.StringIO()), watch=clock.watch()
    )
    return result, system


ORDERS = b"consignment_id,bin_id,expected\nC-1,a,2\nC-1,b,2\nC-1,elsewhere,2\n"


def test_every_photo_is_uploaded_under_its_key(tmp_path):
    s3, seen = FakeS3(), []
    deployment = Deployment("fake", {"IntakeBucket": "intake"}, lambda service: s3)
    keys = ["plain.jpg", "with space+plus%.jpg", "café/日本.jpg"]

    versions = upload(photos(tmp_path, keys), deployment, seen.append)

    assert sorted(s3.uploads) == sorted(("intake", key) for key in keys)
    assert set(versions) == set(keys)
    assert seen == [1, 2, 3]


def test_a_drop_ends_when_all_is_counted_and_judged(tmp_path):
    result, _ = dropped(tmp_path, {"a.jpg": 1, "b.jpg": 2}, ORDERS)

    assert result.unfinished == ""
    assert (result.totals.images, result.totals.counted, result.totals.unaccounted) == (2, 2, 0)
    assert result.verdicts == {"SHORT": 1, "PENDING": 1, "MATCH": 1}
    assert {(one.bin_id, one.verdict) for one in result.results} == {
        ("a", "SHORT"),
        ("b", "MATCH"),
        ("elsewhere", "PENDING"),
    }


def test_the_duration_is_from_the_first_upload_to_the_last_count(tmp_path):
    result, _ = dropped(tmp_path, {f"{number}.jpg": 1 for number in range(4)})

    assert 1.0 <= result.totals.seconds <= 2.0


def test_a_bad_file_is_rejected_and_counts_as_accounted_for(tmp_path):
    result, _ = dropped(tmp_path, {"a.jpg": 2, "bad.jpg": None})

    assert (result.totals.counted, result.totals.rejected, result.totals.unaccounted) == (1, 1, 0)
    assert result.unfinished == ""


def test_unfinished_photos_are_named(tmp_path):
    result, _ = dropped(tmp_path, {"a.jpg": 2, "lost.jpg": 2}, ORDERS)

    assert result.totals.unaccounted == 1
    assert "1 photo not counted: lost.jpg (SUBMITTED)" in result.unfinished
    assert "order line" not in result.unfinished


def test_a_photo_whose_announcement_was_lost_is_named(tmp_path):
    system = FakeSystem({})
    system.s3.on_upload = lambda *put: None

    result = run_drop(
        photos(tmp_path, ["a.jpg"]), system.deployment, err=Console(file=io.StringIO()), watch=Clock().watch()
    )

    assert "a.jpg (not in the ledger)" in result.unfinished


def test_older_versions_of_a_key_are_not_mistaken_for_the_dropped_one(tmp_path):
    system = FakeSystem({"a.jpg": 5})
    system.took(OUTPUTS["IntakeBucket"], "a.jpg", b"", "older")
    system.finish_one()
    system.counts = {"a.jpg": 2}

    result = run_drop(
        photos(tmp_path, ["a.jpg"]), system.deployment, err=Console(file=io.StringIO()), watch=Clock().watch()
    )

    assert result.results[0].count == 2


@pytest.mark.parametrize(("steps", "reached"), [([0, 1, 2, 3], True), ([0, 1, 1, 1, 1, 1, 1], False)])
def test_following_ends_at_the_goal_or_when_nothing_changes(steps, reached):
    clock, seen = Clock(), []
    looks = iter(steps)

    assert (
        follow(lambda: next(looks), 3, lambda done, total=None: seen.append(done), clock.watch(timeout=1.5)) is reached
    )
    assert seen[-1] == (3 if reached else 1)
