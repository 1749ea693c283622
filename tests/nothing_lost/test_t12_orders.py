"""T12: orders before and after their counts, amended, withdrawn, cancelled, and imported repeatedly."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from bintally.domain.cancellations import Cancellation
from bintally.domain.changes import Changes
from bintally.domain.verdicts import Verdict
from bintally.usecases.cancel import cancel, restore
from bintally.usecases.reconcile import reconcile

from tests.nothing_lost.faults import FaultRates
from tests.nothing_lost.healing import found_wrong, heal, moment
from tests.nothing_lost.interleaving import Interleaving
from tests.nothing_lost.platform import Platform
from tests.unit.functions.examples import RULES

ORDERS = 500
REPEATS = 50
HEADER = "consignment_id,bin_id,expected\n"
FAULT_RATES = FaultRates(lost=0.1, doubled=0.2, late=0.2, repeated=0.3, crashed=0.005)


def rows(chance: Random, numbers: list[int], cancelled: float = 0) -> str:
    """An order file of these orders, each of one bin; a cancelled order expects nothing."""
    expected = {number: 0 if chance.random() < cancelled else chance.randint(1, 5) for number in numbers}
    return HEADER + "".join(f"C-{number // 5},bin-{number},{wanted}\n" for number, wanted in expected.items())


def test_every_line_has_one_final_verdict(chance: Random) -> None:
    platform = Platform(chance, rates=FAULT_RATES, batch_size=25)
    numbers = list(range(ORDERS))
    chance.shuffle(numbers)
    first, second = numbers[: ORDERS // 2], numbers[ORDERS // 2 :]
    platform.order(rows(chance, first), "first.csv", copies=3)  # before the count
    for _ in range(2):
        for number in numbers:
            platform.put(f"bin-{number}/{chance.choice('ab')}.jpg")
        for _ in range(5):
            moment(platform, 2)
    platform.order(rows(chance, second), "second.csv", copies=3, adds=True)  # after it; consignments are in both
    amended = rows(chance, numbers, cancelled=0.2)
    for name in ("amended.csv", "again.csv", "once-more.csv"):
        moment(platform)
        platform.order(amended, name, copies=3)
    for _ in range(10):
        moment(platform, 2)
    heal(platform)

    assert found_wrong(platform) == []
    lines = platform.fakes.orders.items
    assert len(lines) == ORDERS
    assert Verdict.PENDING not in {line.verdict for line in lines.values()}
    assert {line.verdict for line in lines.values()} >= {Verdict.MATCH, Verdict.SHORT, Verdict.OVER}


def test_lines_missing_from_newer_files_are_withdrawn_in_any_order(chance: Random) -> None:
    platform = Platform(chance, rates=FAULT_RATES, batch_size=25)
    numbers = list(range(ORDERS))
    for number in numbers:
        platform.put(f"bin-{number}/photo.jpg")
    for name in "abcdefgh":
        some = chance.sample(numbers, ORDERS // 2)
        platform.order(rows(chance, some), f"{name}.csv", copies=3, adds=name in "ceg")
        for message in platform.orders.waiting:
            message.visible_at += timedelta(minutes=chance.randint(0, 5))
        moment(platform)
    heal(platform)

    assert found_wrong(platform) == []
    verdicts = [line.verdict for line in platform.fakes.orders.items.values()]
    assert Verdict.PENDING not in verdicts
    assert verdicts.count(Verdict.WITHDRAWN) > ORDERS // 10


def test_cancelled_lines_stay_cancelled_whatever_files_come_until_they_are_restored(chance: Random) -> None:
    platform = Platform(chance, rates=FAULT_RATES, batch_size=25)
    orders, wanted, ann = platform.fakes.orders, set[tuple[str, str]](), Cancellation("ann", "")
    for number in range(ORDERS):
        platform.put(f"bin-{number}/photo.jpg")
    for name in "abcdefgh":
        platform.order(rows(chance, chance.sample(range(ORDERS), ORDERS // 2)), f"{name}.csv", copies=3)
        moment(platform)
        platform.fakes.orders.step = lambda: None  # faults are the functions', not the command's
        known = sorted(orders.items)
        for consignment, bin_id in chance.sample(known, len(known) // 8):
            cancel(platform.fakes, consignment, [bin_id], ann, now=platform.now)
            wanted.add((consignment, bin_id))
        for consignment, bin_id in chance.sample(sorted(wanted), len(wanted) // 4):
            restore(platform.fakes, consignment, [bin_id], now=platform.now)
            wanted.remove((consignment, bin_id))
        platform.use(platform.injector)
    heal(platform)

    assert found_wrong(platform) == []
    assert {key for key, line in orders.items.items() if line.cancelled} == wanted
    assert {orders.items[key].verdict for key in wanted} == {Verdict.WITHDRAWN}


def test_an_older_file_that_comes_last_changes_nothing(chance: Random) -> None:
    platform = Platform(chance)
    for number in range(ORDERS):
        platform.put(f"bin-{number}/photo.jpg")
    old, new = rows(chance, list(range(ORDERS))), rows(chance, list(range(ORDERS)))
    platform.order(old, "old.csv")
    (late,) = platform.orders.waiting
    late.visible_at += timedelta(days=1)
    platform.order(new, "new.csv")
    heal(platform)

    assert platform.orders.waiting == []
    standing = {f"{line.consignment_id},{line.bin_id},{line.expected}" for line in platform.fakes.orders.items.values()}
    assert standing == set(new.removeprefix(HEADER).splitlines())
    assert found_wrong(platform) == []


def test_concurrent_requests_counts_and_orders_end_with_the_newest_verdict(
    chance: Random,
) -> None:
    for _ in range(REPEATS):
        platform = Platform(chance, batch_size=1)
        numbers = list(range(5))
        for _ in range(2):
            for number in numbers:
                platform.put(f"bin-{number}/photo.jpg")
            platform.deliver_intake(1000)
            platform.order(rows(chance, numbers))
            platform.now += timedelta(minutes=5)
            platform.answer()
            interleaving = Interleaving(chance, switches=0.5)
            platform.use(interleaving)
            requests = [lambda: judged(platform)] * 4  # noqa: B023
            tasks = [platform.deliver_results, platform.deliver_orders, *requests, platform.deliver_streams]
            assert interleaving.run(tasks) == []
            platform.use(platform.injector)
        heal(platform)
        assert found_wrong(platform) == []


def judged(platform: Platform) -> None:
    """As `bintally redrive` requests it after dead letters of a stream."""
    fakes = platform.fakes
    reconcile(fakes, Changes(consignments=["C-0"]), rules=RULES, now=platform.now)
