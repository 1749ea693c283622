import pytest
from bincli.demo.text import shorten, width, write
from PIL import Image, ImageDraw


def drawn(text, **more):
    image = Image.new("L", (600, 60), 255)
    write(ImageDraw.Draw(image), (20, 40), text, 24, "black", **more)
    return image


@pytest.mark.parametrize("text", ["plain", "café", "日本", "\u202egpj.bin", "line\nbreak", "\udcff", "🙂", "e\u0301"])
def test_any_key_is_drawn_on_one_line(text):
    box = drawn(text).point(lambda value: 255 - value).getbbox()

    assert box is not None
    assert box[1] >= 10
    assert box[3] <= 50


def test_control_characters_are_shown_as_escapes():
    assert drawn("a\nb").tobytes() == drawn("a\\nb").tobytes()


def test_letters_that_differ_are_drawn_differently():
    assert drawn("日").tobytes() != drawn("本").tobytes()
    assert drawn("é").tobytes() != drawn("日").tobytes()


@pytest.mark.parametrize("limit", [60, 120, 240])
def test_shortened_text_keeps_both_ends_and_fits(limit):
    text = "aisle-12-" + "x" * 900 + "-shelf-7"

    short = shorten(text, 18, limit)

    assert width(short, 18) <= limit
    assert short.startswith("ai")
    assert short.endswith("7")


def test_text_that_fits_is_left_alone():
    assert shorten("P-17-C", 18, 200) == "P-17-C"


def test_a_sentence_is_cut_at_its_end():
    assert shorten("The image is damaged and cannot be read", 14, 120, tail=0).endswith("…")


def test_right_aligned_text_ends_at_its_right_edge():
    left = drawn("P-17-C").point(lambda value: 255 - value).getbbox()
    image = Image.new("L", (600, 60), 255)
    write(ImageDraw.Draw(image), (580, 40), "P-17-C", 24, "black", align="right")
    right = image.point(lambda value: 255 - value).getbbox()

    assert left[0] >= 20
    assert 570 <= right[2] <= 581
