from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from binlab.data.dataset import CLASSES, LabelledImage, data_hash, place_images, read_images, read_split, split_of_model
from binlab.data.perceptual_hash import difference_hash
from binlab.data.preparing import Settings, prepare
from binlab.data.sampling import final_split_of, split_of
from binlab.data.synthetic import draw_bin, write_bin
from PIL import Image

ABID = Path(__file__).parents[5] / "shared" / "abid"


def split_images(images: Iterable[LabelledImage]) -> dict[str, str]:
    return {name: split for name, (split, _) in place_images(images).items()}


def test_photos_are_read_with_their_counts_and_contents(tmp_path: Path) -> None:
    write_bin(tmp_path, 523, 3, {"B": 2, "A": 1})
    write_bin(tmp_path, 7, None)
    write_bin(tmp_path, 8, None)
    (tmp_path / "labels.csv").write_text("id,count,geometry\n00007,5,aspect-kept\n")
    first, second = read_images(tmp_path)

    assert (first.id, first.count, first.contents) == ("00007", 5, ())
    assert (second.id, second.count, second.contents) == ("00523", 3, (("A", 1), ("B", 2)))
    assert second.path == tmp_path / "bin-images" / "00523.jpg"


def test_a_folder_of_labels_that_people_gave_is_read(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name, count in (("ab.jpg", 3), ("aa.png", 0)):
        draw_bin(count, 7).save(tmp_path / "images" / name)
    (tmp_path / "labels.csv").write_text("image,count,weight\nimages/ab.jpg,3,33.333\nimages/aa.png,0,1\n")

    found = [(image.id, image.count, image.contents) for image in read_images(tmp_path)]
    assert found == [("aa", 0, ()), ("ab", 3, ())]
    done = prepare(tmp_path, tmp_path / "out", Settings(side=32))
    assert done["kept"] == 2

    (tmp_path / "labels.csv").write_text("image,count,weight\n../x.jpg,3,1\n")
    with pytest.raises(ValueError, match="not below"):
        read_images(tmp_path)


def test_a_folder_without_photos_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="No labelled photos"):
        read_images(tmp_path)


def test_photos_that_may_show_one_bin_are_in_one_split(tmp_path: Path) -> None:
    for start in range(0, 600, 20):  # contents differ within a group only where another rule holds it together
        write_bin(tmp_path, start, 2, {"X": start + 1, "Y": 1})
        write_bin(tmp_path, start + 7, 4, {"X": start + 1, "Y": 1})  # the same contents
        write_bin(tmp_path, start + 14, 3, {"Z": start}, seed=9000 + start)
        write_bin(tmp_path, start + 17, 3, {"W": start}, seed=9000 + start)  # looks the same
        (tmp_path / "metadata" / f"{start + 1:05}.json").unlink(missing_ok=True)
        write_bin(tmp_path, start + 2, None, seed=start + 2)  # no record, a neighbour, the same count
    rows = "".join(f"{start + 2:05},2\n" for start in range(0, 600, 20))
    (tmp_path / "labels.csv").write_text("id,count\n" + rows)
    splits = split_images(read_images(tmp_path))

    for start in range(0, 600, 20):
        assert splits[f"{start:05}"] == splits[f"{start + 7:05}"] == splits[f"{start + 2:05}"]
        assert splits[f"{start + 14:05}"] == splits[f"{start + 17:05}"]
    assert set(splits.values()) == {"train", "validation", "test"}


def test_one_bin_before_and_after_a_pick_is_in_one_split(tmp_path: Path) -> None:
    for start in range(0, 600, 20):
        write_bin(tmp_path, start, 3, {f"A{start}": 1, f"B{start}": 2})
        write_bin(tmp_path, start + 1, 2, {f"B{start}": 2})
        write_bin(tmp_path, start + 3, 4, {f"B{start}": 3, f"C{start}": 1})
        write_bin(tmp_path, start + 9, 1, {f"B{start}": 1})  # the same product elsewhere
    splits = split_images(read_images(tmp_path))

    assert all(splits[f"{n:05}"] == splits[f"{n + 1:05}"] == splits[f"{n + 3:05}"] for n in range(0, 600, 20))
    assert any(splits[f"{n:05}"] != splits[f"{n + 9:05}"] for n in range(0, 600, 20))


def test_a_broken_photo_has_a_split_too(tmp_path: Path) -> None:
    for number in range(4):
        write_bin(tmp_path, 10 * number, 2)
    before = split_images(read_images(tmp_path))
    (tmp_path / "bin-images/00010.jpg").write_bytes(b"no photo")

    assert split_images(read_images(tmp_path)) == before


def test_a_split_does_not_depend_on_order_or_other_photos(tmp_path: Path) -> None:
    for number in range(0, 400, 10):
        write_bin(tmp_path, number, 1 + number // 10 % 5)
    images = read_images(tmp_path)
    splits = split_images(images)

    assert split_images(reversed(images)) == splits
    assert split_images(images[::3]) == {image.id: splits[image.id] for image in images[::3]}


def test_a_final_run_trains_on_most_validation_photos_and_on_no_test_photo(tmp_path: Path) -> None:
    for number in range(0, 1000, 10):
        write_bin(tmp_path, number, 1 + number // 10 % 5)
    usual, final = (
        {name: {image.id for image in images} for name, images in read_split(tmp_path, final=final).items()}
        for final in (False, True)
    )

    assert final["test"] == usual["test"]
    assert final["validation"] < usual["validation"]
    assert final["train"] == usual["train"] | usual["validation"] - final["validation"]
    for facts, expected in (({"final": True}, final), ({}, usual)):
        split = split_of_model(tmp_path, facts)
        assert {name: {image.id for image in images} for name, images in split.items()} == expected


def test_a_group_is_calibrated_on_or_trained_on_as_a_whole() -> None:
    groups = [str(number) for number in range(2000)]
    placed = Counter(final_split_of("validation", group) for group in groups if split_of(group) == "validation")

    assert set(placed) == {"train", "validation"}
    assert placed["validation"] / placed.total() == pytest.approx(1 / 3, abs=0.08)
    assert {final_split_of(split, "7") for split in ("train", "test")} == {"train", "test"}


def test_a_split_has_only_counts_that_the_model_knows(tmp_path: Path) -> None:
    for number in range(7):
        write_bin(tmp_path, 10 * number, number)
    split = read_split(tmp_path)

    assert list(split) == ["train", "test", "validation"]
    assert sorted(image.count for images in split.values() for image in images) == list(CLASSES)


def test_the_data_hash_changes_with_any_photo_or_count(tmp_path: Path) -> None:
    for number in range(4):
        write_bin(tmp_path, 10 * number, 2)
    before = data_hash(read_split(tmp_path))
    assert data_hash(read_split(tmp_path)) == before

    write_bin(tmp_path, 10, 2, seed=77)
    other_image = data_hash(read_split(tmp_path))
    (tmp_path / "labels.csv").write_text("id,count\n00020,3\n")
    assert len({before, other_image, data_hash(read_split(tmp_path))}) == 3


def test_the_difference_hash_survives_recompression_and_differs_for_another_image(tmp_path: Path) -> None:
    hashes = []
    for name, seed, quality in (("a", 1, 95), ("b", 1, 70), ("c", 2, 95)):
        shades = np.random.default_rng(seed).integers(0, 256, (8, 9), dtype=np.uint8)
        Image.fromarray(shades).resize((360, 320), Image.Resampling.NEAREST).save(
            tmp_path / f"{name}.jpg", quality=quality
        )
        hashes.append(difference_hash((tmp_path / f"{name}.jpg").read_bytes()))

    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.skipif(not ABID.exists(), reason="the real photos are not beside the project")
def test_real_photos_with_the_same_contents_are_never_in_two_splits() -> None:
    split = read_split(ABID)
    splits = Counter()
    for side, images in split.items():
        splits.update({(image.contents, side) for image in images if image.contents})
    contents = Counter(content for content, _ in splits)

    assert max(contents.values()) == 1
    of_number = {int(image.id): (side, image) for side, images in split.items() for image in images}
    for number, (side, image) in of_number.items():
        for other, neighbour in (of_number[number + step] for step in (1, 2) if number + step in of_number):
            assert side == other or not dict(image.contents).keys() & dict(neighbour.contents).keys()
    total = sum(len(images) for images in split.values())
    assert 0.09 < len(split["test"]) / total < 0.15
    assert 0.09 < len(split["validation"]) / total < 0.15
