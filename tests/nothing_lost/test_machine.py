"""Any sequence of operations: once the faults are over, the seven invariants hold."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from random import Random

from bintally.domain.errors import BintallyError
from bintally.domain.image import Status
from bintally.domain.policy import InferenceMode
from bintally.usecases.recount import recount
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.fakes import CrashError
from tests.nothing_lost.faults import NO_FAULTS, FaultRates
from tests.nothing_lost.healing import found_wrong, heal
from tests.nothing_lost.platform import Platform

BINS = st.sampled_from(["P-1", "P-2", "P-3", "P-4"])
KEYS = st.builds("{}/{}.jpg".format, BINS, st.sampled_from("ab"))
HEADER = "consignment_id,bin_id,expected,due_at\n"
DUE = st.sampled_from(["", "2026-05-04", "2026-05-04T13:00", "2026-05-05T01:00Z"])


class Nothing(RuleBasedStateMachine):
    """Nothing is lost. One platform; crashes come before a step that hypothesis chooses."""

    @initialize(
        seed=st.integers(0, 2**32), mode=st.sampled_from(InferenceMode), batch_size=st.sampled_from([1, 3, 100])
    )
    def begin(self, seed: int, mode: InferenceMode, batch_size: int) -> None:
        self.platform = Platform(Random(seed), mode, batch_size=batch_size)

    @rule(key=KEYS, copies=st.integers(1, 3))
    def put(self, key: str, copies: int) -> None:
        """The first time a photo, then a newer version of it."""
        self.platform.put(key, copies)

    @rule(lot=st.integers(1, 30))
    def put_many(self, lot: int) -> None:
        for number in range(lot):
            self.platform.put(f"Q-{number}/a.jpg")

    @rule(
        expected=st.dictionaries(BINS, st.integers(0, 5), min_size=1),
        copies=st.integers(1, 3),
        due=DUE,
        adds=st.booleans(),
    )
    def order(self, expected: dict[str, int], copies: int, due: str, adds: bool) -> None:
        """The first time an import, then a change."""
        rows = "".join(f"C-{bin_id[-1:] < '3'},{bin_id},{wanted},{due}\n" for bin_id, wanted in expected.items())
        self.platform.order(HEADER + rows, copies=copies, adds=adds)

    @rule(most=st.integers(1, 20))
    def intake(self, most: int) -> None:
        self.platform.deliver_intake(most)

    @rule(most=st.integers(1, 5))
    def result(self, most: int) -> None:
        self.platform.deliver_results(most)

    @rule()
    def orders(self) -> None:
        self.platform.deliver_orders()

    @rule()
    def streams(self) -> None:
        self.platform.deliver_streams()

    @rule()
    def clock(self) -> None:
        self.platform.clock()

    @rule()
    def sweep(self) -> None:
        self.platform.round()

    @rule()
    def answers(self) -> None:
        self.platform.answer()

    @rule()
    def announcements_lost(self) -> None:
        self.platform.results.waiting.clear()

    @rule(data=st.data(), outputs=st.booleans())
    def object_deleted(self, data: st.DataObject, outputs: bool) -> None:
        """Somebody deletes objects in the jobs bucket."""
        for engine in self.platform.engines:
            objects = engine.outputs if outputs else engine.manifests
            for key in data.draw(st.sets(st.sampled_from(sorted(objects)))) if objects else ():
                del objects[key]

    @rule()
    def all_messages_again(self) -> None:
        """A queue may deliver a message again."""
        for queue in (self.platform.intake, self.platform.results, self.platform.orders):
            for message in list(queue.waiting):
                queue.send(message.body, self.platform.now, timedelta(minutes=7))

    @rule(step=st.integers(1, 30))
    def crash(self, step: int) -> None:
        self.platform.injector.crash_before(step)

    @rule(minutes=st.sampled_from([1, 4, 60, 8 * 60]))
    def time(self, minutes: int) -> None:
        self.platform.now += timedelta(minutes=minutes)

    @rule(
        kinds=st.sets(st.sampled_from(["lost", "doubled", "late", "failed", "expired", "cut", "full", "throttled"])),
        rate=st.sampled_from([0.3, 1]),
    )
    def faults(self, kinds: set[str], rate: float) -> None:
        self.platform.inject(FaultRates(**dict.fromkeys(kinds, rate)))

    @rule()
    def calm(self) -> None:
        self.platform.inject(NO_FAULTS)

    @rule()
    def retry(self) -> None:
        """`bintally retry`."""
        self.platform.fakes.ledger.reopen(list(self.platform.fakes.ledger.items), self.platform.time)

    @rule(every=st.integers(1, 3))
    def recount(self, every: int) -> None:
        """`bintally recount` of some or all photos."""
        ledger = self.platform.fakes.ledger
        counted = [held.entry for held in ledger.items.values() if held.status is Status.COUNTED]
        with suppress(CrashError, BintallyError):
            recount(ledger, counted[::every], now=self.platform.now)

    @rule()
    def redrive(self) -> None:
        self.platform.redrive()

    def teardown(self) -> None:
        if hasattr(self, "platform"):
            heal(self.platform)
            assert found_wrong(self.platform) == []


TestNothing = Nothing.TestCase
TestNothing.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
