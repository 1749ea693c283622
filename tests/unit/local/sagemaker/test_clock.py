import threading
from concurrent.futures import ThreadPoolExecutor

from binlocal.sagemaker.clock import SystemClock

from tests.unit.local.sagemaker.driven_clock import DrivenClock
from tests.unit.local.waiting import eventually


def test_a_driven_clock_stands_still_until_it_is_advanced():
    clock, stopped = DrivenClock(100.0), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(clock.wait, stopped, 3600)
        eventually(lambda: clock.sleepers == 1, "a waiting thread")
        clock.advance(3599)
        assert not waiting.done()
        clock.advance(1)
        assert waiting.result(10) is False
    assert clock.now() == 3700.0
    assert clock.sleepers == 0


def test_stopping_ends_the_wait():
    clock, stopped = DrivenClock(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(clock.wait, stopped, 3600)
        stopped.set()
        assert waiting.result(10) is True
    assert SystemClock().wait(stopped, 3600) is True
