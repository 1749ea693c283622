"""T21: no two people have the same bin. T22: of several answers to one state of a bin, exactly one is accepted."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from itertools import count as numbers
from random import Random

from bintally.domain.attention import Attention, Group
from bintally.domain.bins import BinCount
from bintally.domain.changes import Changes
from bintally.domain.decisions import Decision
from bintally.domain.errors import ChangedError
from bintally.domain.queue import LEASE
from bintally.domain.verdicts import Finding, Verdict
from bintally.usecases.decide import decide, undo
from bintally.usecases.queue import next_bins

from tests.fakes import Fakes
from tests.nothing_lost.interleaving import Interleaving
from tests.unit.functions.examples import NOON, NOW, counted, make_images, order_line
from tests.unit.functions.usecases.runs import reconciled

INTERLEAVINGS = 500
BINS = 5
PEOPLE = ("ann", "bob", "cid")


def waiting_bins() -> Fakes:
    """Some bins wait for a look, one of them for two consignments."""
    fakes = Fakes()
    images = make_images(BINS)
    fakes.ledger.register(images, "job", NOON)
    fakes.bins.record([counted(image) for image in images], NOON)
    for place, image in enumerate([*images, images[0]]):
        line = order_line(9, bin_id=image.bin_id, consignment=f"C-{place}")
        fakes.orders.put([line], NOON)
        found = Finding(Verdict.UNCERTAIN, "?", 3, attention=Attention(Group.LOOK, f"{place:04}"))
        fakes.orders.judge([(line, found, 1)], NOON)
    return fakes


class Desk:
    """People at the desk, and what they hold in their hands."""

    def __init__(self, fakes: Fakes, chance: Random) -> None:
        self.fakes, self.chance = fakes, chance
        self.held: dict[str, str] = {}  # bin → who looks at it
        self.accepted: list[Decision] = []
        self.refused = 0
        self._numbers = numbers()

    def person(self, who: str, now: datetime = NOW) -> None:
        for _ in range(self.chance.randint(1, 3)):
            items = next_bins(self.fakes, who, self.chance.randint(1, 3), now=now).counts
            for item in items:
                assert self.held.setdefault(item.bin_id, who) == who, "two people have the same bin"
            for item in items:
                self.answer(who, item, now)

    def answer(self, who: str, item: BinCount, now: datetime) -> None:
        """A decision, perhaps sent again, and perhaps undone; or the bin is given back."""
        if self.chance.random() < 0.2:
            del self.held[item.bin_id]
            self.fakes.leases.release([item.bin_id], who)
            return
        wanted = Decision(item.bin_id, f"{who}-{next(self._numbers)}", item.image.image_id, who, "", 2)
        try:
            for _ in range(self.chance.randint(1, 2)):
                self.accepted.append(decide(self.fakes, wanted, now=now, seen_revision=item.revision))
        except ChangedError:
            self.refused += 1
        self.held.pop(item.bin_id, None)
        if wanted.decision_id in {each.decision_id for each in self.accepted} and self.chance.random() < 0.2:
            undo(self.fakes, item.bin_id, wanted.decision_id, who=who, now=now)

    def stream(self) -> None:
        """The verdicts follow at any time."""
        for bin_id in list(self.fakes.bins.items):
            reconciled(self.fakes, Changes(bins={bin_id}))

    def steps(self, step: object) -> None:
        for fake in (self.fakes.bins, self.fakes.decisions, self.fakes.orders, self.fakes.leases, self.fakes.ledger):
            fake.step = step  # type: ignore[assignment]


def standing(fakes: Fakes) -> Counter[str]:
    """How many decisions about each bin were not undone."""
    return Counter(each.bin_id for each in fakes.decisions.items.values() if not each.undone_by)


def test_no_two_people_have_the_same_bin(chance: Random) -> None:
    """T21. They look, answer, repeat, undo and give back, while the verdicts follow."""
    for _ in range(INTERLEAVINGS):
        desk = Desk(waiting_bins(), chance)
        turn = Interleaving(chance)
        desk.steps(turn)

        raised = turn.run([*(partial(desk.person, who) for who in PEOPLE), desk.stream])

        desk.steps(lambda: None)
        assert raised == []
        assert desk.refused == 0, "whoever has a bin can answer"
        stored = {each.decision_id: each for each in desk.fakes.decisions.items.values()}
        assert {each.decision_id for each in desk.accepted} == set(stored), "each is stored once, and no other"
        assert set(standing(desk.fakes).values()) <= {1}, "nobody looked at what was settled"
        settle_the_rest(desk)


def settle_the_rest(desk: Desk) -> None:
    """Nothing is lost: whoever comes later finds exactly the bins that nobody has settled."""
    desk.stream()  # what was undone waits again
    later = NOW + LEASE + timedelta(seconds=1)
    left = {count.bin_id for count in next_bins(desk.fakes, "dan", 20, now=later).counts}
    assert left == set(desk.fakes.bins.items) - set(standing(desk.fakes))


def test_of_several_answers_to_one_state_of_a_bin_one_is_accepted(chance: Random) -> None:
    """T22. Leases have ended while people still look, so several have the same bins."""
    refused = 0
    for _ in range(INTERLEAVINGS):
        desk = Desk(waiting_bins(), chance)
        turn = Interleaving(chance)
        items = list(desk.fakes.bins.items.values())
        desk.steps(turn)

        def person(who: str, desk: Desk = desk, items: list[BinCount] = items) -> None:
            for item in items:
                desk.held[item.bin_id] = who
                desk.answer(who, item, NOW)

        raised = turn.run([lambda who=who: person(who) for who in PEOPLE])  # type: ignore[misc]

        desk.steps(lambda: None)
        assert raised == []
        about_one_state = Counter(each.bin_id for each in desk.fakes.decisions.items.values() if each.bin_revision == 2)
        assert set(about_one_state.values()) <= {1}
        assert len({each.decision_id for each in desk.accepted}) == len(desk.fakes.decisions.items)
        refused += desk.refused
    assert refused > INTERLEAVINGS, "else this test would show nothing"
