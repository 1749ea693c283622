import os
from pathlib import Path

import pytest
from bincli.counting import NothingToCountError, count_images, display_path, images_in, read_capped
from binmodel.images import ImageError, Limits

from tests.unit.cli.images import brightness_predictor, write_jpegs


def counted(images, **more):
    return list(count_images(images, brightness_predictor(), **more))


def test_a_folder_stands_for_its_photos_in_natural_order(tmp_path):
    write_jpegs(tmp_path, {"bin10.jpg": 1, "bin2.JPEG": 2, "shelf/x.PNG": 3, ".hidden.jpg": 4, ".git/y.jpg": 5})
    (tmp_path / "notes.txt").write_text("not a photo")

    assert [str(path.relative_to(tmp_path)) for path in images_in([tmp_path])] == [
        "bin2.JPEG",
        "bin10.jpg",
        "shelf/x.PNG",
    ]


def test_paths_are_counted_in_the_order_given_whatever_their_extension(tmp_path):
    write_jpegs(tmp_path, {"b.jpg": 2, "a.photo": 1})

    lines = counted(images_in([tmp_path / "b.jpg", tmp_path / "a.photo", tmp_path / "b.jpg"]))

    assert [(Path(line["image"]).name, line["count"]) for line in lines] == [("b.jpg", 2), ("a.photo", 1), ("b.jpg", 2)]


def test_a_line_is_what_the_readme_promises(tmp_path):
    write_jpegs(tmp_path, {"b.jpg": 4})

    (line,) = counted([tmp_path / "b.jpg"])

    assert list(line) == ["image", "count", "confidence", "probabilities", "model"]
    assert list(line["probabilities"]) == ["1", "2", "3", "4", "5"]
    assert line["confidence"] == line["probabilities"]["4"] > 0.9


def test_one_bad_file_is_one_error_line(tmp_path):
    write_jpegs(tmp_path, {"a.jpg": 1, "c.jpg": 3})
    (tmp_path / "b.jpg").write_text("not a photo")

    first, bad, last = counted(images_in([tmp_path]))

    assert (first["count"], last["count"]) == (1, 3)
    assert set(bad) == {"image", "error"}
    assert bad["error"]["code"] == "unsupported_format"


def test_a_file_that_vanished_is_an_error_line(tmp_path):
    (line,) = counted([tmp_path / "gone.jpg"])

    assert line["error"]["code"] == "unreadable"


def test_a_large_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(1 << 40)

    (line,) = counted([path])

    assert line["error"]["code"] == "too_many_bytes"
    assert "1,099,511,627,776 bytes" in line["error"]["message"]


def test_a_file_that_never_ends_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")

    with pytest.raises(ImageError, match="not a regular file"):
        read_capped(tmp_path / "pipe.jpg", Limits().max_bytes)


def test_a_folder_without_photos_is_nothing_to_count(tmp_path):
    (tmp_path / "notes.txt").write_text("not a photo")

    with pytest.raises(NothingToCountError, match=r"no photos .* in .*"):
        images_in([tmp_path])


def test_a_link_to_a_folder_is_an_error_line_and_not_followed(tmp_path):
    write_jpegs(tmp_path, {"shelf/a.jpg": 1, "other/b.jpg": 2})
    (tmp_path / "shelf" / "link").symlink_to(tmp_path / "other")

    good, linked = counted(images_in([tmp_path / "shelf"]))

    assert (good["count"], linked["error"]["code"]) == (1, "unreadable")
    assert "a link to a folder, which is not followed" in linked["error"]["message"]


def test_a_name_that_is_not_utf8_can_still_be_printed():
    assert display_path(Path(os.fsdecode(b"caf\xe9.jpg"))) == "caf\\xe9.jpg"
