from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from bincli.commands.lines import Filter
from bincli.commands.review import OPEN, riskiest, write_sheet
from bincli.demo.synthetic import draw_bin
from bincli.deployment import Deployment
from bincli.recount_sheet import Entry, sheet, thumbnail
from bintally.domain.bins import BinCount, BinStatus, HumanCount
from bintally.domain.image import Image
from bintally.domain.risk import Odds
from bintally.domain.verdicts import Finding, OrderLine, Verdict
from PIL import Image as Pillow

from tests.template.deployed import stack
from tests.unit.functions.aws import client, empty_stack, table
from tests.unit.functions.examples import NOON

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
RISKS = {"A-2": 0.1, "A-10": 0.6, "A-1": 0.3}


def photo() -> bytes:
    buffer = io.BytesIO()
    draw_bin(3, np.random.default_rng(0)).save(buffer, "JPEG")
    return buffer.getvalue()


def line(bin_id: str, risk: float, verdict: Verdict = Verdict.UNCERTAIN) -> OrderLine:
    return OrderLine("C-1", bin_id, 7, order_version="1", verdict=verdict, odds=Odds(risk, 0.0))


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    """Three open lines and a MATCH. The photo of A-2 is gone."""
    with empty_stack():
        deployed = Deployment("bintally", stack().outputs, client)
        bucket = table("IntakeBucket")
        for bin_id in ("A-1", "A-10"):
            version = client("s3").put_object(Bucket=bucket, Key=f"{bin_id}/a.jpg", Body=photo())["VersionId"]
            image = Image(bucket, f"{bin_id}/a.jpg", version, "01", NOON, bin_id)
            deployed.bins.record([BinCount(image, BinStatus.COUNTED, 5, 0.5, {5: 1.0}, "m")], NOON)
        gone = Image(bucket, "A-2/a.jpg", "none", "01", NOON, "A-2")
        deployed.bins.record([BinCount(gone, BinStatus.COUNTED, 5, 0.5, {5: 1.0}, "m")], NOON)
        lines = [*(line(bin_id, risk) for bin_id, risk in RISKS.items()), line("A-3", 0.01, Verdict.MATCH)]
        deployed.orders.put(lines, NOON)
        deployed.orders.judge([(each, Finding(each.verdict, "Why.", 5, odds=each.odds), 0) for each in lines], NOON)
        yield deployed


def written(deployment: Deployment, out: Path, *, limit: int = 60, by_bin: bool = False, expected: bool = False) -> str:
    write_sheet(deployment, Filter(OPEN), out, limit=limit, by_bin=by_bin, show_expected=expected, now=NOW)
    return out.read_text()


def bins_of(html: str) -> Sequence[str]:
    return re.findall("<h2>(.*?)</h2>", html)


def test_the_riskiest_bins_come_first_and_settled_lines_not_at_all(deployment: Deployment, tmp_path: Path) -> None:
    assert bins_of(written(deployment, tmp_path / "sheet.html")) == ["A-10", "A-1", "A-2"]


def test_the_riskiest_bins_are_walked_along_in_the_order_of_their_numbers(
    deployment: Deployment, tmp_path: Path
) -> None:
    assert bins_of(written(deployment, tmp_path / "sheet.html", limit=2, by_bin=True)) == ["A-1", "A-10"]


def test_the_photos_are_in_the_file_and_a_missing_one_is_said(deployment: Deployment, tmp_path: Path) -> None:
    html = written(deployment, tmp_path / "sheet.html")

    data = re.findall('data:image/jpeg;base64,([^"]+)', html)
    assert [Pillow.open(io.BytesIO(base64.b64decode(each))).format for each in data] == ["JPEG", "JPEG"]
    assert html.count("No photo") == 1
    assert not re.search(r"https?://|<script|<link", html)


def test_the_count_is_blind_unless_asked_otherwise(deployment: Deployment, tmp_path: Path) -> None:
    assert "7 expected" not in written(deployment, tmp_path / "blind.html")
    assert "7 expected" in written(deployment, tmp_path / "seen.html", expected=True)


def test_a_bin_that_a_person_counted_is_not_counted_again() -> None:
    image = Image("b", "A-1/a.jpg", None, "01", NOON, "A-1")
    count = BinCount(image, BinStatus.COUNTED, 5, human=HumanCount("d", 4, "ann", NOON), source="human")

    assert list(riskiest([line("A-1", 0.3), line("A-2", 0.1)], {"A-1": count}, 60)) == ["A-2"]


def test_text_from_data_is_never_markup() -> None:
    hostile = '<script>alert("1")</script>\x1b]8;;\u202e'
    html = sheet(hostile, [Entry(hostile, photo(), [hostile])], hostile)

    assert "<script" not in html
    assert not {"\x1b", "\u202e"} & set(html)


@pytest.mark.parametrize("data", [b"", b"GIF89a", photo()[:200]])
def test_what_is_no_photo_has_no_thumbnail(data: bytes) -> None:
    assert thumbnail(data) is None
