from __future__ import annotations

from pathlib import Path

import pytest
from bincli.backfill.journal import open_journal
from bincli.errors import CommandError


def keep(path: Path, *keys: str) -> dict[str, str]:
    """Open the journal and add the keys; its previous content."""
    with open_journal(path, "shelf", "intake") as journal:
        for key in keys:
            journal.add(key, "1")
        return journal.done


def test_a_journal_remembers_what_was_uploaded(tmp_path: Path) -> None:
    path = tmp_path / "new" / "journal.jsonl"

    assert keep(path, "a.jpg", "b\n\u202e.jpg") == {}
    assert keep(path, "c.jpg") == {"a.jpg": "1", "b\n\u202e.jpg": "1"}
    assert set(keep(path)) == {"a.jpg", "b\n\u202e.jpg", "c.jpg"}


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_truncated_line_is_ignored(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal.jsonl"
    keep(path, "a.jpg", "b.jpg")
    path.write_bytes(path.read_bytes()[:-cut])

    assert keep(path, "c.jpg").keys() <= {"a.jpg", "b.jpg"}
    assert {"a.jpg", "c.jpg"} <= keep(path).keys()


def test_the_journal_of_another_backfill_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    keep(path)

    with (
        pytest.raises(CommandError, match=r"journal\.jsonl is the journal of another backfill"),
        open_journal(path, "other", "intake"),
    ):
        pass
