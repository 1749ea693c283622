from __future__ import annotations

from pathlib import Path

import pytest
from binmodel.backends import has_vnni


@pytest.mark.parametrize(
    ("flags", "found"),
    [("avx2 avx512_vnni gfni", True), ("avx2 avx_vnni", True), ("sse4_2 avx2 avx512f", False)],
)
def test_vnni_is_detected_from_the_processors_flags(tmp_path: Path, flags: str, found: bool) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n")

    assert has_vnni(tmp_path / "cpuinfo") is found


def test_without_processor_flags_vnni_is_not_assumed(tmp_path: Path) -> None:
    assert not has_vnni(tmp_path / "cpuinfo")
