from __future__ import annotations

import pytest
from bincli.commands.recount import choose, plan_view, record_of, show_or_recount
from bincli.main import app
from bintally.domain.image import LedgerEntry, Status
from bintally.domain.recounts import Selection
from typer.testing import CliRunner

from tests.unit.cli.moto_stack import NOW, MotoStack
from tests.unit.cli.printing import Printed


def statuses(stack: MotoStack) -> dict[str, Status]:
    return {entry.image.key: entry.status for entry in stack.ledger.all()}


def chosen(stack: MotoStack, selection: Selection | None = None, *, newest: bool = False) -> list[str]:
    return [entry.image.key for entry in choose(stack.deployment, selection or Selection(), newest=newest)]


def test_counted_photos_that_meet_the_conditions_are_chosen(stack: MotoStack) -> None:
    stack.finished("a/1.jpg", "b/1.jpg")
    stack.finished("b/2.jpg")
    stack.finished("b/3.jpg", status=Status.FAILED)

    assert chosen(stack) == ["a/1.jpg", "b/1.jpg", "b/2.jpg"]
    assert chosen(stack, Selection(bins={"b"})) == ["b/1.jpg", "b/2.jpg"]
    assert chosen(stack, Selection(not_model="m")) == []


def test_only_photos_that_their_bin_shows_can_be_selected(stack: MotoStack) -> None:
    stack.finished("b/1.jpg")
    stack.finished("b/2.jpg")

    assert chosen(stack, newest=True) == ["b/2.jpg"]


def test_recounted_photos_wait_for_the_next_job(stack: MotoStack) -> None:
    stack.finished("a/1.jpg", "b/1.jpg")
    output = Printed()

    code = show_or_recount(
        stack.deployment, choose(stack.deployment, Selection(prefix="a"), newest=False), output, dry_run=False, yes=True
    )

    assert code == 0
    assert output.rows == [["1 photo will be in the next jobs."]]
    assert statuses(stack) == {"a/1.jpg": Status.RECEIVED, "b/1.jpg": Status.COUNTED}


def test_concurrent_changes_are_reported(stack: MotoStack) -> None:
    stack.finished("a/1.jpg", "b/1.jpg")
    entries = choose(stack.deployment, Selection(), newest=False)
    stack.ledger.recount(entries[:1], NOW)
    output = Printed()

    assert show_or_recount(stack.deployment, entries, output, dry_run=False, yes=True) == 3
    assert output.rows[1] == ["1 photo changed meanwhile and is left alone. Run the command again."]


def test_a_dry_run_changes_nothing_and_says_number_and_price(stack: MotoStack) -> None:
    stack.finished("a/1.jpg")
    output = Printed()

    show_or_recount(
        stack.deployment, choose(stack.deployment, Selection(), newest=False), output, dry_run=True, yes=False
    )

    assert output.rows[0] == ["1 photo to recount: 1 by m."]
    assert "USD with engine async" in output.stdout
    assert statuses(stack) == {"a/1.jpg": Status.COUNTED}


def test_programs_get_number_models_and_prices(stack: MotoStack) -> None:
    stack.finished("a/1.jpg")
    entries: list[LedgerEntry] = choose(stack.deployment, Selection(), newest=False)

    record = record_of(entries, 1)

    assert (record["images"], record["models"], record["recounted"]) == (1, {"m": 1}, 1)
    assert set(record["dollars"]) == {"async", "batch", "lambda"}


def test_an_empty_selection_is_reported() -> None:
    assert [*plan_view([])] == ["No counted photo meets these conditions."]


@pytest.mark.parametrize("arguments", [[], ["--all", "P-1"], ["--all", "--prefix", "x"]])
def test_a_selection_is_required(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["recount", *arguments])

    assert result.exit_code == 2
    assert "--all for every counted photo" in result.stderr
