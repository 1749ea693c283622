import pytest
from bincli.demo.contact_sheet import (
    COLOURS,
    COLUMNS,
    MAX_TILES,
    chosen,
    contact_sheet,
    difference,
    write_contact_sheet,
)
from bincli.demo.results import Result, Totals, riskiest_first
from bincli.verdicts import NOT_ORDERED, URGENCY, tally
from PIL import Image

from tests.unit.cli.images import grey_image

PROBABILITIES = {1: 0.1, 2: 0.6, 3: 0.2, 4: 0.06, 5: 0.04}


def result(number, verdict="MATCH", **more):
    facts = {"expected": 2, "count": 2, "confidence": 0.6, "probabilities": PROBABILITIES}
    return Result(f"B-{number:04}", verdict, **facts | more)


def totals(results):
    return Totals(len(results), len(results), 0, 0, 2.0, tally(one.verdict for one in results))


def tall(results):
    return contact_sheet(results, totals(results)).height


def luminance(colour):
    """Relative luminance as in https://www.w3.org/TR/WCAG21/#dfn-relative-luminance."""
    pixel = Image.new("RGB", (1, 1), colour).getpixel((0, 0))
    linear = [c / 255 / 12.92 if c / 255 <= 0.03928 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in pixel]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_most_urgent_verdict_comes_first():
    verdicts = ["MATCH", "UNCERTAIN", NOT_ORDERED, "SHORT", "UNREADABLE", "OVER"]

    ordered = riskiest_first([result(number, verdict) for number, verdict in enumerate(verdicts)])

    assert [one.verdict for one in ordered] == ["SHORT", "OVER", "UNREADABLE", "UNCERTAIN", "MATCH", NOT_ORDERED]


def test_short_and_over_are_equals_and_the_riskiest_comes_first():
    risks = [("SHORT", 0.6), ("OVER", 0.9), ("UNCERTAIN", 0.05), ("UNCERTAIN", 0.3), ("MATCH", 0.01), ("MATCH", None)]

    ordered = riskiest_first([result(number, verdict, risk=risk) for number, (verdict, risk) in enumerate(risks)])

    assert [one.risk for one in ordered] == [0.9, 0.6, 0.3, 0.05, 0.01, None]


@pytest.mark.parametrize("verdict", URGENCY)
def test_every_verdict_has_a_colour_that_its_word_can_be_read_on(verdict):
    dark, light = sorted(luminance(colour) for colour in COLOURS[verdict])

    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_the_sheet_is_bounded_however_many_photos_there_are():
    full = tall([result(number) for number in range(MAX_TILES)])

    assert tall([result(number) for number in range(MAX_TILES + 500)]) == full
    assert tall([result(number) for number in range(COLUMNS)]) < full


def test_a_full_sheet_has_a_row_of_each_verdict_and_more_of_the_most_urgent():
    verdicts = ["SHORT"] * 500 + ["UNCERTAIN"] * 500 + ["UNREADABLE"] * 3 + ["MATCH"] * 500
    results = [result(number, verdict) for number, verdict in enumerate(verdicts)]

    assert tally(one.verdict for one in chosen(results)) == {
        "SHORT": MAX_TILES - 2 * COLUMNS - 3,
        "UNREADABLE": 3,
        "UNCERTAIN": COLUMNS,
        "MATCH": COLUMNS,
    }


def test_a_sheet_says_what_it_omits():
    some = [result(number) for number in range(MAX_TILES)]

    def footer(results):
        sheet = contact_sheet(results, totals(some))
        return sheet.crop((0, sheet.height - 40, sheet.width, sheet.height)).tobytes()

    assert footer(some) != footer([*some, result(99)]) != footer([*some, result(99), result(100)])


@pytest.mark.parametrize(
    ("expected", "answer", "words"),
    [
        (2, {"count": 2}, ""),
        (2, {"count": 0}, "2 too few"),
        (2, {"count": 5}, "3 too many"),
        (2, {"count": None, "at_least": 6}, "4+ too many"),
        (6, {"count": None, "at_least": 6}, ""),
        (9, {"count": None, "at_least": 6}, ""),
        (None, {"count": 2}, ""),
        (2, {"count": None}, ""),
    ],
)
def test_the_difference_is_only_what_the_count_says(expected, answer, words):
    assert difference(result(1, "OVER", expected=expected, **answer)) == words


def test_a_tile_of_a_bin_over_range_shows_its_count():
    over = {"count": None, "at_least": 6, "probabilities": {5: 0.1, 6: 0.9}}
    several = [result(1, **over), result(1, **over | {"at_least": None}), result(1, **over | {"count": 5})]

    assert len({contact_sheet([one], totals([one])).tobytes() for one in several}) == 3


def test_the_photo_and_its_verdict_are_in_its_tile(tmp_path):
    path = tmp_path / "bin.png"
    grey_image(5).save(path)

    sheet = contact_sheet([result(1, "SHORT", photo=path)], totals([result(1, "SHORT")]))

    colours = {colour for _, colour in sheet.getcolors(1 << 20)}
    assert (200, 200, 200) in colours
    assert (0xC4, 0x4E, 0x00) in colours


@pytest.mark.parametrize("data", [b"", b"text", b"\x89PNG\r\n\x1a\n\x00\x00"])
def test_a_file_that_is_no_photo_still_has_a_tile(tmp_path, data):
    path = tmp_path / "bad.jpg"
    path.write_bytes(data)
    bad = Result("日本", "UNREADABLE", path, expected=3, reason="Only JPEG and PNG photos are counted; " * 5)

    assert tall([bad]) == tall([result(1)])


def test_a_report_replaces_the_one_before(tmp_path):
    path = tmp_path / "demo" / "report.png"
    for number in (1, 3):
        results = [result(one) for one in range(number)]
        write_contact_sheet(path, results, totals(results))

    with Image.open(path) as sheet:
        assert sheet.format == "PNG"
    assert [one.name for one in path.parent.iterdir()] == ["report.png"]


def test_an_empty_drop_has_a_sheet():
    assert contact_sheet([], Totals(0, 0, 0, 0, 0.0, {})).width > 0


def test_a_tile_shows_the_volume_if_it_is_known():
    several = [result(1), result(1, volume_l=2.0), result(1, volume_l=3.0)]

    assert len({contact_sheet([one], totals([one])).tobytes() for one in several}) == 3
