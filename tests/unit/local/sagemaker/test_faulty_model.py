import pytest
from binlocal.sagemaker.errors import ContainerTimeoutError
from binlocal.sagemaker.faults import FaultInjector, parse_plan
from binlocal.sagemaker.faulty_model import FaultyModelServer

from tests.unit.local.sagemaker.driven_clock import DrivenClock
from tests.unit.local.sagemaker.fakes import FakeClock, FakeModel
from tests.unit.local.waiting import eventually


def faulty(clock, **plan):
    model = FakeModel()
    return model, FaultyModelServer(model, FaultInjector(parse_plan({"model": plan})), clock)


def test_without_faults_it_behaves_like_the_model():
    model, same = faulty(FakeClock())
    same.start()
    assert (same.status, same.wait_until_started(), model.started) == ("InService", "InService", True)
    assert same.invoke(b"x", {"Accept": "y"}, 30) == model.answer
    assert model.requests == [(b"x", {"Accept": "y"}, 30)]
    same.stop()
    assert model.stopped


def test_a_slow_model_responds_later():
    clock = FakeClock()
    model, slow = faulty(clock, slow=1, slow_seconds=7)
    assert slow.invoke(b"x", {}, 30) == model.answer
    assert clock.waits == [7.0]


def test_a_model_slower_than_the_timeout_does_not_respond():
    clock = FakeClock()
    model, slow = faulty(clock, slow=1, slow_seconds=40)
    with pytest.raises(ContainerTimeoutError):
        slow.invoke(b"x", {}, 30)
    assert clock.waits == [30]
    assert model.requests == []


def test_a_model_is_killed_in_the_middle_of_a_request():
    clock = DrivenClock()
    model, mortal = faulty(clock, kill=1)
    mortal.invoke(b"x", {}, 30)
    eventually(lambda: clock.sleepers == 1, "the killer")
    assert model.killed == 0
    clock.advance(1)
    eventually(lambda: model.killed == 1, "the kill")
