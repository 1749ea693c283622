from bincli.commands.count import show_predictions
from bincli.counting import count_images, images_in
from bincli.main import app
from typer.testing import CliRunner

from tests.unit.cli.images import brightness_predictor, write_jpegs
from tests.unit.cli.printing import Printed


def counted(images):
    return list(count_images(images, brightness_predictor()))


def printed(predictions, *, as_json=False):
    output = Printed(as_json=as_json)
    return output, show_predictions(predictions, len(predictions), output)


def test_json_lines_keep_the_order_and_say_whether_all_were_counted(tmp_path):
    write_jpegs(tmp_path, {f"{number}.jpg": number % 5 + 1 for number in range(20)})
    images = images_in([tmp_path])

    output, everything = printed(counted(images), as_json=True)

    lines = output.records
    assert everything
    assert [line["image"] for line in lines] == [str(image) for image in images]
    assert [line["count"] for line in lines] == [number % 5 + 1 for number in range(20)]


def test_the_table_has_totals_and_reasons(tmp_path):
    write_jpegs(tmp_path, {"a.jpg": 2, "b.jpg": 3})
    (tmp_path / "[red]c.jpg").write_bytes(b"")

    output, everything = printed(counted(images_in([tmp_path])))

    assert not everything
    assert "[red]c.jpg" in output.stdout
    assert "The file is empty (0 bytes)." in output.stdout
    assert output.stderr == "2 photos counted, 5 items in all (1 with 2, 1 with 3); 1 not counted.\n"


def test_the_table_has_intervals_if_the_model_provides_them():
    facts = {"count": 2, "confidence": 0.6, "probabilities": {"1": 0.2, "2": 0.8}, "model": "m"}
    lines = [
        {"image": "a.jpg", **facts, "interval": {"low": 1, "high": 2, "coverage": 0.9}},
        {"image": "b.jpg", **facts, "interval": {"low": 1, "high": 1, "coverage": 0.9}},
        {"image": "c.jpg", "error": {"code": "x", "message": "It is no photo."}},
    ]

    output, _ = printed(lines)

    rows = [" ".join(row).strip() for row in output.rows]
    assert rows[0] == "Photo Count Confidence Interval Not counted because"
    assert rows[1:4] == ["a.jpg 2 60% 1 or 2 items, 90%", "b.jpg 2 60% 1 item, 90%", "c.jpg - - - It is no photo."]


def test_the_table_has_volumes_if_the_model_estimates_them():
    volume = {"litres": 2.1, "low": 0.9, "high": 12, "coverage": 0.9}
    facts = {"count": 2, "confidence": 0.6, "probabilities": {"1": 0.2, "2": 0.8}, "model": "m"}
    lines = [
        {"image": "a.jpg", **facts, "volume": volume | {"log_sd": 0.5, "count_weight": 1, "volume_weight": 1}},
        {"image": "b.jpg", **facts},
    ]

    output, _ = printed(lines)

    rows = [" ".join(row).strip() for row in output.rows]
    assert rows[:3] == ["Photo Count Confidence Volume", "a.jpg 2 60% 2.1 l (0.90 l to 12 l, 90%)", "b.jpg 2 60% -"]


def test_totals_with_bins_over_range_are_at_least_so_much():
    facts = {"confidence": 0.6, "probabilities": {"1": 0.2, "2": 0.8}, "model": "m", "empty": 0.1, "over_range": 0.1}
    lines = [
        {"image": "a.jpg", "count": 2, **facts},
        {"image": "b.jpg", "count": None, "at_least": 3, **facts},
        {"image": "c.jpg", "count": 0, **facts},
    ]

    output, everything = printed(lines)

    assert everything
    assert [row[1] for row in output.rows[1:4]] == ["2", "3+", "0"]
    assert "3 photos counted, at least 5 items in all (1 with 0, 1 with 2, 1 with 3+)." in output.stderr


def test_a_missing_path_is_wrong_usage(tmp_path):
    result = CliRunner().invoke(app, ["count", str(tmp_path / "nowhere")])

    assert result.exit_code == 2
    assert "does not exist" in " ".join(result.stderr.split())


def test_an_empty_folder_is_wrong_usage(tmp_path):
    result = CliRunner().invoke(app, ["count", str(tmp_path)])

    assert result.exit_code == 2
    assert "no photos" in " ".join(result.stderr.split())


def test_a_folder_without_a_model_is_reported(tmp_path):
    write_jpegs(tmp_path, {"a.jpg": 1})

    result = CliRunner().invoke(app, ["count", str(tmp_path), "--model", str(tmp_path)])

    assert result.exit_code == 1
    assert "There is no model" in " ".join(result.stderr.split())
    assert result.stdout == ""
