"""Fault injection: a plan with a rate for each fault, a seed, and a count of the faults that occurred.

The plan in JSON. Every member is optional, and every rate is from 0 to 1:
`{"seed": 1, "notifications": {"drop": 0.01, "double": 0.01, "delay": 0.01, "reorder": 0.01, "epoch_times": 0.5},
"delay_seconds": 30, "requests": {"error_5xx": 0.01, "throttle": 0.01, "lost_answer": 0.01},
"transform": {"capacity": 0.1, "quota": 0.1, "shard": 0.1}, "endpoint": {"quota": 1},
"model": {"kill": 0.01, "slow": 0.01, "slow_seconds": 5},
"expiry": {"silent": 1}}`
"""

import json
import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from binlocal.errors import PlanError

KINDS = {
    "notifications": ("drop", "double", "delay", "reorder", "epoch_times"),
    "requests": ("error_5xx", "throttle", "lost_answer"),
    "transform": ("capacity", "quota", "shard"),
    "endpoint": ("quota",),
    "model": ("kill", "slow"),
    "expiry": ("silent",),
}
SECONDS = {"delay_seconds": 30.0, "model.slow_seconds": 5.0}


@dataclass(frozen=True)
class FaultPlan:
    """`rates` has full names as keys, such as `notifications.drop`. `members` is the plan as it was given."""

    seed: int = 0
    rates: Mapping[str, float] = field(default_factory=dict)
    delay_seconds: float = SECONDS["delay_seconds"]
    slow_seconds: float = SECONDS["model.slow_seconds"]
    members: Mapping[str, Any] = field(default_factory=dict)


def parse_plan(members: Any) -> FaultPlan:
    """Raises PlanError for an unknown member, a rate outside of 0 to 1, or a negative time."""
    given = flat(members)
    seed = given.pop("seed", 0)
    times = {name: number(name, given.pop(name, default)) for name, default in SECONDS.items()}
    known = {f"{group}.{fault}" for group, faults in KINDS.items() for fault in faults}
    if unknown := sorted(given.keys() - known):
        raise PlanError(f"The fault plan has no member {', '.join(unknown)}.")
    if not isinstance(seed, int):
        raise PlanError(f"seed must be a whole number, not {seed!r}.")
    rates = {name: number(name, rate, maximum=1.0) for name, rate in given.items()}
    return FaultPlan(seed, rates, times["delay_seconds"], times["model.slow_seconds"], members)


def flat(members: Any) -> dict[str, Any]:
    if not isinstance(members, dict):
        raise PlanError("The fault plan must be a JSON object.")
    found: dict[str, Any] = {}
    for name, value in members.items():
        nested = isinstance(value, dict)
        found |= {f"{name}.{inner}": item for inner, item in value.items()} if nested else {name: value}
    return found


def number(name: str, value: Any, maximum: float = float("inf")) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= maximum:
        limit = "from 0 to 1" if maximum == 1.0 else "not negative"
        raise PlanError(f"{name} must be a number {limit}, not {value!r}.")
    return float(value)


def read_plan(path: Path) -> FaultPlan:
    """Raises PlanError if the file is missing, not JSON, or not a valid plan."""
    try:
        return parse_plan(json.loads(path.read_text()))
    except (OSError, ValueError, PlanError) as error:
        raise PlanError(f"{path} is not a valid fault plan: {error}") from error


class FaultInjector:
    """Decides which faults occur, and counts them. Each kind of fault has its own random stream from the seed.

    With `path` the plan and the counts survive a restart: a file saved there takes precedence over `plan`.
    """

    def __init__(self, plan: FaultPlan | None = None, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._chances: Counter[str] = Counter()
        self._streams: dict[str, random.Random] = {}
        self.plan = plan or FaultPlan()
        if path and path.exists():
            saved = json.loads(path.read_text())
            self.plan = parse_plan(saved["plan"])
            self._counts.update(saved["counts"])
            self._chances.update(saved["chances"])

    def occurs(self, kind: str) -> bool:
        """Whether this fault occurs now. `kind` is its full name."""
        with self._lock:
            rate = self.plan.rates.get(kind, 0.0)
            if not rate:
                return False
            stream = self._streams.setdefault(kind, random.Random(f"{self.plan.seed}:{kind}"))  # noqa: S311
            self._chances[kind] += 1
            occurs = stream.random() < rate
            if occurs:
                self._counts[kind] += 1
                self._save()
            return occurs

    def replace(self, plan: FaultPlan) -> None:
        """Keeps the counts, and restarts the decisions from the new plan's seed."""
        with self._lock:
            self.plan = plan
            self._streams.clear()
            self._save()

    def summary(self) -> dict[str, Any]:
        """`plan`, and by full name `counts` (faults that occurred) and `chances` (how often each could have)."""
        with self._lock:
            return self._members()

    def _members(self) -> dict[str, Any]:
        return {"plan": self.plan.members, "counts": dict(self._counts), "chances": dict(self._chances)}

    def _save(self) -> None:
        if self._path:
            draft = self._path.with_suffix(".draft")
            draft.write_text(json.dumps(self._members()))
            draft.replace(self._path)
