"""Processor time and memory of a local stack's processes, by what they stand for."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Collection
from contextlib import suppress
from types import TracebackType

import psutil

SAMPLE_SECONDS = 0.5
THIS_PROGRAM = "this program"
# Kinds of processes below this one, by a part of their command line's first arguments.
PARTS = {
    "serve.py": "model server",
    "worker": "functions",
    "ministack_server": "emulator",
    "binlocal.sagemaker": "local SageMaker",
}
KINDS = (*PARTS.values(), THIS_PROGRAM)


def kind_of(process: psutil.Process) -> str | None:
    if process == psutil.Process():
        return THIS_PROGRAM
    arguments = process.cmdline()[1:3]
    return next((kind for part, kind in PARTS.items() if any(part in each for each in arguments)), None)


class ProcessTimes:
    """While the block runs, samples this process and all below it: `seconds` of processor time, `memory_mib` at most.

    Processes that are `ignored` are left out. One that starts meanwhile counts from its start; of one that ends, what
    follows the last sample is lost.
    """

    def __init__(self, ignored: Collection[psutil.Process] = ()) -> None:
        self._ignored = ignored
        self.memory_mib: Counter[str] = Counter()
        self._kinds: dict[psutil.Process, str] = {}
        self._first: dict[psutil.Process, float] = {}
        self._last: dict[psutil.Process, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    @property
    def seconds(self) -> dict[str, float]:
        spent: defaultdict[str, float] = defaultdict(float)
        for process, last in self._last.items():
            spent[self._kinds[process]] += last - self._first.get(process, 0.0)
        return dict(spent)

    def __enter__(self) -> ProcessTimes:
        self._sample()
        self._first = dict(self._last)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._sample()

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            self._sample()

    def _sample(self) -> None:
        memory: Counter[str] = Counter()
        me = psutil.Process()
        for process in [me, *me.children(recursive=True)]:
            if process in self._ignored:
                continue
            with suppress(psutil.Error):
                kind = self._kinds.get(process) or kind_of(process)
                if kind:
                    self._kinds[process] = kind
                    times = process.cpu_times()
                    self._last[process] = times.user + times.system
                    memory[kind] += process.memory_info().rss // 2**20
        for kind, mib in memory.items():
            self.memory_mib[kind] = max(mib, self.memory_mib[kind])
