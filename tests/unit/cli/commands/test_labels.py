from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from bincli.commands.labels import export_labels
from bincli.deployment import Deployment
from bintally.domain.decisions import Decision
from bintally.domain.image import Image
from bintally.domain.objects import padded_sequencer
from bintally.usecases.decide import decide
from PIL import Image as Picture

from tests.template.deployed import stack
from tests.unit.cli.printing import Printed
from tests.unit.functions.aws import client, empty_stack
from tests.unit.functions.examples import EARLIER, NOON, NOW, counted


def photo(kind: str, shade: int = 0) -> bytes:
    file = io.BytesIO()
    Picture.new("RGB", (64, 64), (shade, 99, 9)).save(file, kind)
    return file.getvalue()


def decided(deployment: Deployment, bin_id: str, key: str, data: bytes, count: int = 3) -> Image:
    """A photo that somebody uploaded and counted."""
    bucket = deployment.intake_bucket
    version = client("s3").put_object(Bucket=bucket, Key=key, Body=data)["VersionId"]
    image = Image(bucket, key, version, padded_sequencer("01"), EARLIER, bin_id)
    deployment.ledger.register([image], "job", NOON)
    deployment.bins.record([counted(image)], NOON)
    decide(deployment, Decision(bin_id, "d-1", "", "ann", "", count), now=NOW)
    return image


@pytest.fixture
def site() -> Iterator[Deployment]:
    with empty_stack():
        yield Deployment("bintally", stack().outputs, client)


def exported(site: Deployment, folder: Path) -> tuple[int, Printed]:
    output = Printed(as_json=True)
    return export_labels(site, folder, output), output


def test_photos_are_written_in_the_version_that_was_counted_and_kept(site: Deployment, tmp_path: Path) -> None:
    old = photo("JPEG", 10)
    jpeg = decided(site, "a", "../../a.jpg", old, 2)
    png = decided(site, "/etc", "/etc/passwd", photo("PNG"), 0)
    client("s3").put_object(Bucket=site.intake_bucket, Key="../../a.jpg", Body=photo("JPEG", 200))
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / f"{jpeg.image_id}.jpg.part").write_bytes(b"of a run that was killed")

    assert exported(site, tmp_path)[1].records == [{"labels": 2, "downloaded": 2, "failed": {}}]
    code, again = exported(site, tmp_path)

    assert (code, again.records) == (0, [{"labels": 2, "downloaded": 0, "failed": {}}])
    rows = {f"images/{jpeg.image_id}.jpg,2,1", f"images/{png.image_id}.png,0,1"}
    header, *found = (tmp_path / "labels.csv").read_text().splitlines()
    assert (header, set(found)) == ("image,count,weight", rows)
    assert (tmp_path / "images" / f"{jpeg.image_id}.jpg").read_bytes() == old
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {"labels.csv", *(row.partition(",")[0] for row in rows)}


def test_a_bad_photo_is_named_and_the_others_are_written(site: Deployment, tmp_path: Path) -> None:
    good = decided(site, "a", "a.jpg", photo("JPEG"))
    damaged = decided(site, "b", "b.jpg", b"no photo")
    gone = decided(site, "c", "c.jpg", photo("JPEG"))
    client("s3").delete_object(Bucket=gone.bucket, Key=gone.key, VersionId=gone.version_id)

    code, output = exported(site, tmp_path)

    assert code == 3
    assert set(output.records[0]["failed"]) == {damaged.image_id, gone.image_id}
    assert (tmp_path / "labels.csv").read_text() == f"image,count,weight\nimages/{good.image_id}.jpg,3,1\n"
    people = Printed()
    export_labels(site, tmp_path, people)
    assert "1 label in" in people.stdout
    assert "2 photos could not be read. The others are complete." in people.stdout


def test_without_decisions_there_is_an_empty_list(site: Deployment, tmp_path: Path) -> None:
    output = Printed()

    assert export_labels(site, tmp_path / "new", output) == 0
    assert "Nobody has counted a photo yet." in output.stderr
    assert (tmp_path / "new" / "labels.csv").read_text() == "image,count,weight\n"
