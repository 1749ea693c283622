import json
import re
from pathlib import Path

import numpy as np
import pytest
from binlab.data.dataset import image_path, read_images
from binlab.data.synthetic import draw_bin, write_bin
from binlab.explore.exploration import histogram, spread
from binlab.explore.quality import measure, sharpness
from binlab.explore.suspects import against_model, count_probabilities
from PIL import Image, ImageFilter

from training.explore import main


@pytest.fixture(scope="module")
def bins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of eighteen one can't be opened, one is dark, two look the same, one's record is wrong and one has none."""
    root = tmp_path_factory.mktemp("bins")
    for number in range(14):
        write_bin(root, 100 * number, number % 7)
    image_path(root, "00200").write_bytes(b"\xff\xd8\xff")
    Image.fromarray(np.asarray(draw_bin(3, 1)) // 8).save(image_path(root, "00300"))
    for number, count in ((5000, 2), (6000, 3)):
        write_bin(root, number, count, seed=77)
        draw_bin(2, 77).save(image_path(root, f"{number:05}"))
    write_bin(root, 7000, 5, {"C": 2, "B": 2})
    write_bin(root, 8000, None)
    record = {"EXPECTED_QUANTITY": 1, "BIN_FCSKU_DATA": {"A": {"name": "<script>alert(1)</script>", "quantity": 1}}}
    (root / "metadata/00100.json").write_text(json.dumps(record))
    return root


@pytest.fixture(scope="module")
def report(bins: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    assert explore(bins, out, "--figures", out / "plots") == 0
    return out


def explore(data: Path, out: Path, *more: object) -> int:
    return main([str(flag) for flag in ("--data", data, "--out", out, "--model", "none", "--workers", 1, *more)])


def test_the_figures_are_those_of_the_folder(report) -> None:
    figures = json.loads((report / "figures.json").read_text())

    files = figures["files"]
    assert (files["images"], files["labelled"], files["without_label"], files["broken"]) == (18, 17, 1, 1)
    assert sum(number for side in figures["classes"].values() for number in side.values()) == 17
    assert figures["dark"] == 1
    assert figures["sizes"]["most_common"] == {"64 x 64": 17}
    assert [each["id"] for each in figures["broken"]] == ["00200"]
    assert [each["id"] for each in figures["suspects"]["record"]] == ["07000"]
    assert [each["id"] for each in figures["suspects"]["twin"]] == ["05000", "06000"]
    assert figures["suspects"]["model"] is None
    assert figures["items"]["products_in_a_bin"] == {"1": 16, "2": 1}


def test_the_report_is_self_contained(report) -> None:
    page = (report / "report.html").read_text()

    assert page.count("data:image/png;base64,") == len(list((report / "plots").iterdir())) == 6
    assert "data:image/jpeg;base64," in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert "looks the same as 06000, with a count of 3" in page


def test_records_are_escaped_in_html(report) -> None:
    page = (report / "report.html").read_text()

    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_folder_without_records_can_be_explored(tmp_path) -> None:
    for number in range(4):
        write_bin(tmp_path / "bins", 10 * number, None)
    (tmp_path / "bins/labels.csv").write_text("id,count\n00000,1\n00010,2\n00020,0\n")

    assert explore(tmp_path / "bins", tmp_path / "out") == 0


def test_a_limit_samples_from_all(bins, tmp_path, capsys) -> None:
    assert explore(bins, tmp_path / "out", "--limit", 6, "--json") == 0
    assert json.loads(capsys.readouterr().out)["files"]["images"] == 6


def test_a_folder_without_photos_or_a_model_is_refused(bins, tmp_path, capsys) -> None:
    assert explore(tmp_path, tmp_path / "out") == 2
    assert "No labelled photos" in capsys.readouterr().err
    assert explore(bins, tmp_path / "out", "--model", tmp_path) == 2


def test_a_blurred_photo_is_less_sharp_and_a_dark_one_less_light(tmp_path) -> None:
    bin_image = draw_bin(4, 3, side=224)
    versions = {
        "sharp": bin_image,
        "soft": bin_image.filter(ImageFilter.GaussianBlur(3)),
        "dark": bin_image.point(lambda v: v // 4),
    }
    for name, version in versions.items():
        version.save(tmp_path / f"{name}.jpg", quality=95)
    sharp, soft, dark = (measure(tmp_path / f"{name}.jpg") for name in versions)

    assert soft.sharpness < sharp.sharpness / 10
    assert soft.lightness == pytest.approx(sharp.lightness, abs=3)
    assert dark.lightness == pytest.approx(sharp.lightness / 4, abs=3)


def test_sharpness_by_hand() -> None:
    grey = np.zeros((3, 4), np.float32)
    grey[1, 1] = 1  # the Laplacian is -4 there and 1 beside it

    assert sharpness(grey) == pytest.approx(np.var([-4, 1]))


def test_a_confident_contradiction_marks_a_suspect_label(tmp_path) -> None:
    for number, count in enumerate((1, 2, 2, 0, 6)):
        write_bin(tmp_path, 10 * number, count)
    old = {"probabilities": {"1": 0.995, "2": 0.005}}  # of a model without outputs for bins out of range
    empty = {"probabilities": {"1": 0.5, "2": 0.5}, "empty": 0.989, "over_range": 0.01}
    found = against_model(read_images(tmp_path), [old, old, empty, old, {"error": {"code": "corrupt_image"}}])

    assert [(each.id, round(each.strength, 4)) for each in found] == [("00020", 0.9995), ("00010", 0.995)]
    assert found[0].detail == "the model predicts empty (99%) and gives the label 0.1%"


def test_count_probabilities_sum_to_one() -> None:
    line = {"probabilities": {"1": 0.25, "2": 0.75}, "empty": 0.1, "over_range": 0.3}

    assert count_probabilities(line) == pytest.approx({0: 0.1, 1: 0.15, 2: 0.45, 6: 0.3})


def test_spread_and_histogram() -> None:
    assert spread([]) == {}
    assert spread([1, 2, 3])["50"] == 2
    assert histogram([1, 2, 2, 9, 30]) == {"1": 1, "2": 2, "6+": 2}
