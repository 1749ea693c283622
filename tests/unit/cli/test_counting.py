import io
import json
import os
from pathlib import Path

import pytest
from bincli.counting import NothingToCountError, count_images, images_in, print_counts, read_capped, shown
from bincli.main import app
from binmodel.images import ImageError, Limits
from rich.console import Console
from typer.testing import CliRunner

from tests.unit.cli.pictures import brightness_predictor, write_jpegs


def counted(images, **more):
    return list(count_images(images, brightness_predictor(), **more))


def printed(lines, total, *, as_json):
    out = io.StringIO()
    console = Console(file=out, width=100)
    return print_counts(lines, total, as_json=as_json, out=console, err=Console(file=io.StringIO())), out.getvalue()


def words(text):
    """Text out of the frame that an error is printed in, without its line breaks."""
    return " ".join(text.replace("│", " ").split())


def test_a_folder_stands_for_its_photographs_in_natural_order(tmp_path):
    write_jpegs(tmp_path, {"bin10.jpg": 1, "bin2.JPEG": 2, "shelf/x.PNG": 3, ".hidden.jpg": 4, ".git/y.jpg": 5})
    (tmp_path / "notes.txt").write_text("not a photograph")

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
    (tmp_path / "b.jpg").write_text("not a picture")

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


def test_a_folder_without_photographs_is_nothing_to_count(tmp_path):
    (tmp_path / "notes.txt").write_text("not a photograph")

    with pytest.raises(NothingToCountError, match=r"no photographs .* in .*"):
        images_in([tmp_path])


def test_a_link_to_a_folder_is_an_error_line_and_not_followed(tmp_path):
    write_jpegs(tmp_path, {"shelf/a.jpg": 1, "other/b.jpg": 2})
    (tmp_path / "shelf" / "link").symlink_to(tmp_path / "other")

    good, linked = counted(images_in([tmp_path / "shelf"]))

    assert (good["count"], linked["error"]["code"]) == (1, "unreadable")
    assert "a link to a folder, which is not followed" in linked["error"]["message"]


def test_a_name_that_is_not_utf8_can_still_be_printed():
    assert shown(Path(os.fsdecode(b"caf\xe9.jpg"))) == "caf\\xe9.jpg"


def test_json_lines_keep_the_order_and_say_whether_all_were_counted(tmp_path):
    write_jpegs(tmp_path, {f"{number}.jpg": number % 5 + 1 for number in range(20)})
    images = images_in([tmp_path])

    everything, text = printed(counted(images), len(images), as_json=True)

    lines = [json.loads(line) for line in text.splitlines()]
    assert everything
    assert [line["image"] for line in lines] == [str(image) for image in images]
    assert [line["count"] for line in lines] == [number % 5 + 1 for number in range(20)]


def test_the_table_has_totals_and_reasons(tmp_path, capsys):
    write_jpegs(tmp_path, {"a.jpg": 2, "b.jpg": 3})
    (tmp_path / "[red]c.jpg").write_bytes(b"")

    everything, text = printed(counted(images_in([tmp_path])), 3, as_json=False)

    assert not everything
    assert "[red]c.jpg" in text
    assert "The file is empty (0 bytes)." in text
    assert capsys.readouterr().err == "2 photos counted, 5 items in all (1 with 2, 1 with 3); 1 not counted.\n"


def test_the_table_has_intervals_where_the_model_can_tell():
    facts = {"count": 2, "confidence": 0.6, "probabilities": {"1": 0.2, "2": 0.8}, "model": "m"}
    lines = [
        {"image": "a.jpg", **facts, "interval": {"low": 1, "high": 2, "coverage": 0.9}},
        {"image": "b.jpg", **facts, "interval": {"low": 1, "high": 1, "coverage": 0.9}},
        {"image": "c.jpg", "error": {"code": "x", "message": "It is no picture."}},
    ]

    _, text = printed(lines, 3, as_json=False)

    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert rows[0] == "Photo Count Confidence Interval Not counted because"
    assert rows[1:4] == ["a.jpg 2 60% 1 or 2 items, 90%", "b.jpg 2 60% 1 item, 90%", "c.jpg - - - It is no picture."]


def test_totals_with_bins_over_range_are_at_least_so_much(capsys):
    facts = {"confidence": 0.6, "probabilities": {"1": 0.2, "2": 0.8}, "model": "m", "empty": 0.1, "over_range": 0.1}
    lines = [
        {"image": "a.jpg", "count": 2, **facts},
        {"image": "b.jpg", "count": None, "at_least": 3, **facts},
        {"image": "c.jpg", "count": 0, **facts},
    ]

    everything, text = printed(lines, 3, as_json=False)

    assert everything
    assert [line.split()[1] for line in text.splitlines()[1:4]] == ["2", "3+", "0"]
    assert "3 photos counted, at least 5 items in all (1 with 0, 1 with 2, 1 with 3+)." in capsys.readouterr().err


def test_a_missing_path_is_wrong_usage(tmp_path):
    result = CliRunner().invoke(app, ["count", str(tmp_path / "nowhere")])

    assert result.exit_code == 2
    assert "does not exist" in words(result.stderr)


def test_an_empty_folder_is_wrong_usage(tmp_path):
    result = CliRunner().invoke(app, ["count", str(tmp_path)])

    assert result.exit_code == 2
    assert "no photographs" in words(result.stderr)


def test_a_folder_without_a_model_is_said(tmp_path):
    write_jpegs(tmp_path, {"a.jpg": 1})

    result = CliRunner().invoke(app, ["count", str(tmp_path), "--model", str(tmp_path)])

    assert result.exit_code == 1
    assert "There is no model" in words(result.stderr)
    assert result.stdout == ""
