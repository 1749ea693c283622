"""T18: each accepted decision is stored once. T19: none on an older photo changes a newer count. T20: undo restores."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from bintally.domain.bins import BinCount, HumanCount
from bintally.domain.decisions import Decision
from bintally.domain.errors import StoreError
from bintally.usecases.decide import decide, undo

from tests.fakes import CrashError, Fakes
from tests.nothing_lost.interleaving import Interleaving
from tests.unit.functions.examples import NOON, NOW, counted, make_image

INTERLEAVINGS = 500
STEPS = 60
BIN = "P-17-C"


def photo(number: int) -> BinCount:
    return counted(make_image(sequencer=f"00{number:04X}"))


def bin_with_photos(chance: Random) -> Fakes:
    """The bin shows the first of three photos; the ledger knows all of them."""
    fakes = Fakes()
    fakes.ledger.register([photo(number).image for number in range(3)], "job", NOON)
    fakes.bins.record([photo(0)], NOON)
    return fakes


def expected_human(fakes: Fakes) -> HumanCount | None:
    """What the bin should show, from all decisions about its photo."""
    image_id = fakes.bins.items[BIN].image.image_id
    about = [each for each in fakes.decisions.items.values() if each.image_id == image_id and not each.undone_by]
    last = max(about, key=lambda each: each.bin_revision, default=None)
    if last is None:
        return None
    people = {each.who for each in about if each.count == last.count}
    return HumanCount(last.decision_id, last.count, last.who, last.decided_at, len(people))


def test_two_people_at_once_lose_and_double_nothing(chance: Random) -> None:
    """Each decides and undoes, repeats and crashes, while newer photos are counted."""
    for _ in range(INTERLEAVINGS):
        fakes = bin_with_photos(chance)
        turn = Interleaving(chance)
        accepted: list[Decision] = []

        def person(name: str, fakes: Fakes = fakes, accepted: list[Decision] = accepted) -> None:
            for number in range(2):
                wanted = Decision(BIN, f"{name}-{number}", "", name, "", chance.choice([2, 3, None]))
                for _ in range(chance.randint(1, 2)):  # sent again
                    accepted.append(decide(fakes, wanted, now=NOW))
                if chance.random() < 0.3:
                    undo(fakes, BIN, wanted.decision_id, who=name, now=NOW)

        def camera(fakes: Fakes = fakes) -> None:
            for number in range(1, 3):
                fakes.bins.record([photo(number)], NOON)

        for fake in (fakes.bins, fakes.decisions, fakes.orders, fakes.ledger):
            fake.step = turn
        raised = turn.run([lambda: person("ann"), lambda: person("bob"), camera])
        for fake in (fakes.bins, fakes.decisions, fakes.orders, fakes.ledger):
            fake.step = lambda: None

        assert all(isinstance(error, StoreError) for error in raised)
        assert {each.decision_id for each in accepted} <= {each.decision_id for each in fakes.decisions.items.values()}
        held = fakes.decisions.items
        assert all(each.image_id == held[BIN, each.decision_id].image_id for each in accepted)
        assert fakes.bins.items[BIN].image == photo(2).image
        assert fakes.bins.items[BIN].count == photo(2).count
        assert fakes.bins.items[BIN].human == expected_human(fakes)


def test_a_crash_at_any_step_is_repaired_by_a_repetition(chance: Random) -> None:
    """T18. The person's client sends the same decision until it is accepted."""
    for number in range(1, 6):
        fakes = bin_with_photos(chance)
        wanted = Decision(BIN, "d-1", "", "ann", "", 2)
        fakes.steps.crash_before(number)
        with pytest.raises(CrashError):
            decide(fakes, wanted, now=NOW)

        decide(fakes, wanted, now=NOW)
        again = decide(fakes, wanted, now=NOW)

        assert list(fakes.decisions.items.values()) == [again]
        assert fakes.bins.items[BIN].revision == 2


def test_a_decision_on_an_older_photo_never_changes_a_newer_count(chance: Random) -> None:
    """T19, also if the newer photo is counted while the decision is being stored."""
    for number in range(1, 7):
        fakes = bin_with_photos(chance)
        fakes.steps.before(number, lambda fakes=fakes: fakes.bins.record([photo(1)], NOON))  # type: ignore[misc]

        decide(fakes, Decision(BIN, "d-1", photo(0).image.image_id, "ann", "", 2), now=NOW)
        fakes.bins.record([photo(1)], NOON)

        now = fakes.bins.items[BIN]
        assert (now.image, now.count, now.human, now.source) == (photo(1).image, 3, None, "model")
        undo(fakes, BIN, "d-1", who="ann", now=NOW)
        assert fakes.bins.items[BIN] == now


def test_undo_restores_exactly_what_stood_before(chance: Random) -> None:
    """T20. Decide and undo the last one, after any sequence of decisions, undos and photos."""
    fakes = bin_with_photos(chance)
    for number in range(STEPS):
        match chance.choice(["decide", "decide", "undo", "photo"]):
            case "undo" if fakes.decisions.items:
                undo(fakes, *chance.choice(list(fakes.decisions.items)), who="bob", now=NOW)
            case "photo":
                fakes.bins.record([photo(min(2, number // 20))], NOON)
            case _:
                decide(fakes, Decision(BIN, f"d-{number}", "", "ann", "", chance.choice([1, 2, None])), now=NOW)
        before = fakes.bins.items[BIN]
        decide(fakes, Decision(BIN, f"wrong-{number}", "", "ann", "", 5), now=NOW)
        assert fakes.bins.items[BIN].source == "human"

        undo(fakes, BIN, f"wrong-{number}", who="ann", now=NOW)

        assert fakes.bins.items[BIN] == replace(before, revision=before.revision + 2)
