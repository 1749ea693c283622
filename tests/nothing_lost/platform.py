"""AWS in miniature: buckets, queues, engines, streams and a clock around the use cases, all from one seed.

Messages have their wire form. `rates` decide the faults; `heal` ends them and waits for completion.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from bintally.domain.changes import Changes
from bintally.domain.errors import BintallyError
from bintally.domain.image import Image
from bintally.domain.jobs import EngineName
from bintally.domain.orders import ReceivedFile
from bintally.domain.policy import InferenceMode, Policy
from bintally.domain.times import iso
from bintally.messages.s3 import notification_of, objects_in_bucket
from bintally.messages.sagemaker import job_result
from bintally.usecases.collect import collect
from bintally.usecases.intake import ingest
from bintally.usecases.orders import import_orders
from bintally.usecases.reconcile import reconcile
from bintally.usecases.schedule import ScheduleSummary, run_schedule

from tests.fakes import CrashError, Fakes
from tests.nothing_lost.engines import ERRORS, MODEL, SUCCESSES, SimulatedEngine
from tests.nothing_lost.faults import NO_FAULTS, FaultInjector, FaultRates
from tests.nothing_lost.policy import POLICY
from tests.nothing_lost.queues import Message, Queue, failed_by
from tests.nothing_lost.uploads import ORDERS, Upload, Uploads, images_in, s3_notification
from tests.nothing_lost.watched import WatchedBins, WatchedLedger, WatchedLines
from tests.unit.functions.examples import NOW, RULES, make_image


@dataclass
class Platform:
    """`fakes` holds the tables. Each `deliver_…` runs one function once; `moment` runs all of them, in any order."""

    chance: Random
    mode: InferenceMode = InferenceMode.ASYNC
    rates: FaultRates = NO_FAULTS
    policy: Policy = POLICY
    batch_size: int = 100
    now: datetime = NOW
    rounds: list[ScheduleSummary] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.policy = replace(self.policy, mode=self.mode)
        self.injector = FaultInjector(self.chance)
        self.fakes = Fakes(self.batch_size)
        self.fakes.steps = self.injector
        self.uploads = Uploads(self.chance)
        self.intake, self.results, self.orders = (Queue(self.chance) for _ in range(3))
        self.files: dict[str, ReceivedFile] = {}  # in the order of upload
        self._wire()
        self.use(self.injector)
        self.inject(self.rates)

    def _wire(self) -> None:
        fakes = self.fakes
        fakes.async_engine, fakes.batch_engine = self._engine(EngineName.ASYNC), self._engine(EngineName.BATCH)
        fakes.lambda_engine = self._engine(EngineName.LAMBDA)
        fakes.intake_queue.waiting = lambda: sum(each.visible_at <= self.now for each in self.intake.waiting)
        fakes.bins.items, fakes.ledger.items, fakes.orders.items = WatchedBins(), WatchedLedger(), WatchedLines()

    def use(self, step: Callable[[], object]) -> None:
        """What happens before each step of the functions."""
        fakes = self.fakes
        tables = (fakes.ledger, fakes.bins, fakes.jobs, fakes.orders)
        for fake in (*tables, fakes.reports, fakes.events, fakes.intake_queue, *fakes.engines):
            fake.step = step

    def _engine(self, name: EngineName) -> SimulatedEngine:
        return SimulatedEngine(
            self.injector,
            self.batch_size,
            name,
            chance=self.chance,
            uploads=self.uploads.all,
            announce=lambda body, delay: self.results.send(body, self.now, delay),
            clock=lambda: self.now,
        )

    @property
    def time(self) -> str:
        return iso(self.now)

    @property
    def engines(self) -> list[SimulatedEngine]:
        return [engine for engine in self.fakes.engines if isinstance(engine, SimulatedEngine)]

    def inject(self, rates: FaultRates) -> None:
        """From now on, these."""
        self.rates = self.injector.rates = rates
        for engine in self.engines:
            engine.rates = rates

    # ---- What people do

    def put(self, key: str, copies: int = 1) -> Upload:
        """A photo into the intake bucket, announced so many times."""
        upload = self.uploads.put(key, self.now)
        for _ in range(copies):
            self.intake.send(s3_notification(upload.image), self.now)
        return upload

    def order(self, text: str, key: str = "orders.csv", copies: int = 1, *, adds: bool = False) -> None:
        """An order file into the orders bucket."""
        number = len(self.files)
        self.files[f"v{number}"] = ReceivedFile(text.encode(), adds)
        at = iso(self.now + timedelta(milliseconds=number))
        image = replace(make_image(key, sequencer=f"{number:08X}", at=at, version=f"v{number}"), bucket=ORDERS)
        for _ in range(copies):
            self.orders.send(s3_notification(image), self.now)

    # ---- What Lambda does

    def deliver_intake(self, most: int = 200) -> bool:
        return self._deliver(self.intake, most, self._ingest)

    def deliver_results(self, most: int = 10) -> bool:
        return self._deliver(self.results, most, lambda messages: failed_by(messages, self.collect))

    def deliver_orders(self, most: int = 10) -> bool:
        return self._deliver(self.orders, most, lambda messages: failed_by(messages, self._import))

    def deliver_streams(self) -> bool:
        """Changes of the tables, in order, until reconcile has processed them; sometimes twice."""
        bins, lines, judged = self._changed()
        pending = (list(bins), list(lines), list(judged))
        if not any(pending):
            return False
        changes = Changes(bins=set(pending[0]), lines=set(pending[1]), judged=set(pending[2]))
        with suppress(CrashError, BintallyError):
            reconcile(self.fakes, changes, rules=RULES, now=self.now)
            if not (self.rates.repeated and self.chance.random() < self.rates.repeated):
                del bins[: len(pending[0])], lines[: len(pending[1])], judged[: len(pending[2])]
        return True

    def _changed(self) -> tuple[list[str], list[tuple[str, str]], list[str]]:
        bins, lines = self.fakes.bins.items, self.fakes.orders.items
        assert isinstance(bins, WatchedBins)
        assert isinstance(lines, WatchedLines)
        return bins.changed, lines.changed, self.fakes.orders.judged

    def round(self) -> bool:
        """The schedule."""
        with suppress(CrashError, BintallyError):
            self.rounds.append(run_schedule(self.fakes, policy=self.policy, now=self.now))
            return True
        return False

    def clock(self) -> bool:
        """The scheduled run of reconcile."""
        with suppress(CrashError, BintallyError):
            return reconcile(self.fakes, Changes(overdue=True), rules=RULES, now=self.now).lines > 0
        return False

    def answer(self) -> bool:
        """What the engines have done meanwhile."""
        return any([engine.answer_due() for engine in self.engines])

    def redrive(self) -> int:
        """Redrive all dead letters; how many."""
        return sum(queue.redrive(self.now) for queue in (self.intake, self.results, self.orders))

    def _deliver(self, queue: Queue, most: int, take: Callable[[list[Message]], list[Message]]) -> bool:
        """Run a function on some messages. Those that it does not fail are deleted; where it dies, none is."""
        messages = queue.receive(self.now, most)
        if not messages:
            return False
        try:
            failed = take(messages)
        except CrashError:
            queue.failed(messages, self.now)
            return True
        except BintallyError:
            failed = messages
        queue.done([message for message in messages if message not in failed], self.now, self.rates.repeated)
        queue.failed(failed, self.now)
        return True

    def _ingest(self, messages: list[Message]) -> list[Message]:
        images: list[Image] = []
        failed = failed_by(messages, lambda body: images.extend(images_in(body)))
        ingest(self.fakes, images, policy=self.policy, now=self.now)
        return failed

    def collect(self, body: str) -> None:
        """What one message of the results queue announces."""
        result = job_result(body, (SUCCESSES, ERRORS), MODEL, MODEL)
        if result:
            collect(self.fakes, result, policy=self.policy, now=self.now)

    def _import(self, body: str) -> None:
        for source in objects_in_bucket(body, ORDERS):
            done = import_orders(
                self.fakes,
                self.files[source.version_id or ""],
                source=source,
                now=self.now,
                time_left=lambda: self.chance.choice([0.0, math.inf]),
            )
            if not done.is_finished:
                self.orders.send(notification_of(source), self.now)
