import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from bincli.demo.photos import NoPhotosError, Photo, balanced, find_photos, in_folder
from bincli.errors import CommandError


def write_dataset(root, labels, *, as_json=()):
    (root / "bin-images").mkdir(parents=True)
    (root / "metadata").mkdir()
    for name, label in labels.items():
        (root / "bin-images" / f"{name}.jpg").touch()
        if name in as_json:
            (root / "metadata" / f"{name}.json").write_text(json.dumps({"EXPECTED_QUANTITY": label}))
    with (root / "labels.csv").open("w", newline="") as file:
        rows = [(name, label) for name, label in labels.items() if name not in as_json]
        csv.writer(file).writerows([("id", "count"), *rows])
    return root


def not_to_be_had(folder, number):
    raise OSError("no network here")


def labelled_files(folder, number):
    return {folder / f"{place}.jpg": place % 5 + 1 for place in range(number)}


def found(images=None, limit=None, *, dataset=Path("nowhere"), fetch=not_to_be_had, draw=labelled_files):
    return find_photos(images, limit, dataset=dataset, cache=Path("cache"), fetch=fetch, draw=draw)


def test_labels_are_found_beside_the_photos_in_either_form(tmp_path):
    root = write_dataset(tmp_path, {"1": 3, "2": 5}, as_json={"2"})

    for folder in (root, root / "bin-images"):
        assert [(one.key, one.label) for one in in_folder(folder)] == [("1.jpg", 3), ("2.jpg", 5)]


def test_every_file_is_dropped_but_what_describes_the_others(tmp_path):
    for name in ("a.jpg", "b.gif", "c.txt", "P-17-C/d.jpg", "labels.csv", "metadata/a.json", ".hidden"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps({"EXPECTED_QUANTITY": 1}) if name.endswith("json") else "id,count\n")

    assert sorted(one.key for one in in_folder(tmp_path)) == ["P-17-C/d.jpg", "a.jpg", "b.gif", "c.txt"]


def test_a_photo_without_a_record_has_no_label(tmp_path):
    (tmp_path / "a.jpg").touch()

    assert in_folder(tmp_path)[0].label is None


def test_a_record_without_a_count_is_no_label(tmp_path):
    root = write_dataset(tmp_path, {"a": None}, as_json={"a"})

    assert in_folder(root)[0].label is None


@pytest.mark.parametrize("text", ["name,number\na,1\n", "id,count\na,many\n", "id,count\na\n"])
def test_unreadable_labels_are_reported_with_their_file(tmp_path, text):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "labels.csv").write_text(text)

    with pytest.raises(CommandError, match=r"labels\.csv needs the columns id and count"):
        in_folder(tmp_path)


def test_an_empty_folder_is_reported(tmp_path):
    with pytest.raises(NoPhotosError, match="no files"):
        in_folder(tmp_path)


def test_a_sample_has_as_many_of_each_count_and_leaves_out_what_cannot_be_counted():
    photos = [Photo(Path(f"{n}.jpg"), f"{n}.jpg", n % 8) for n in range(400)]

    sample = balanced(photos, 60)

    assert Counter(one.label for one in sample) == {1: 12, 2: 12, 3: 12, 4: 12, 5: 12}
    assert sample == balanced(reversed(photos), 60)


def test_a_sample_takes_more_of_the_others_where_one_count_is_rare():
    labels = [1, *[2] * 50, *[3] * 50]
    photos = [Photo(Path(f"{n}.jpg"), f"{n}.jpg", label) for n, label in enumerate(labels)]

    assert Counter(one.label for one in balanced(photos, 21)) == {1: 1, 2: 10, 3: 10}


def test_a_given_folder_is_used_up_to_the_limit(tmp_path):
    root = write_dataset(tmp_path, {str(number): 1 for number in range(100)})

    assert len(found(root).photos) == 100
    assert [one.key for one in found(root, 3).photos] == ["0.jpg", "1.jpg", "2.jpg"]


def test_without_a_folder_the_dataset_is_sampled(tmp_path):
    root = write_dataset(tmp_path, {str(number): number % 5 + 1 for number in range(100)})

    assert len(found(dataset=root).photos) == 60
    assert len(found(dataset=root, limit=10).photos) == 10


def test_without_a_dataset_photos_are_fetched():
    source = found(fetch=labelled_files, draw=not_to_be_had)

    assert len(source.photos) == 60
    assert source.photos[1] == Photo(Path("cache/photos/1.jpg"), "1.jpg", 2)


def test_synthetic_bins_are_the_last_resort_and_reported():
    source = found(limit=5)

    assert [one.label for one in source.photos] == [1, 2, 3, 4, 5]
    assert "DRAWN, because none could be downloaded" in source.origin
    assert "no network here" in source.origin
