import pytest
from binlocal.sagemaker.courier import Courier
from binlocal.sagemaker.faults import Faults, parse_plan

from tests.unit.local.sagemaker.driven_clock import DrivenClock
from tests.unit.local.waiting import eventually


class Post:
    """A courier with a plan, and what has arrived."""

    def __init__(self, **plan):
        self.clock = DrivenClock()
        self.faults = Faults(parse_plan({"delay_seconds": 60, **plan}))
        self.courier = Courier(self.faults, self.clock)
        self.arrived = []

    def send(self, *names):
        for name in names:
            self.courier.send(lambda name=name: self.arrived.append(name))


@pytest.fixture
def post(request):
    office = Post(**getattr(request, "param", {}))
    yield office
    office.courier.stop()


def test_without_faults_everything_arrives_once_and_in_order(post):
    post.send("a", "b")
    assert post.arrived == ["a", "b"]


@pytest.mark.parametrize("post", [{"notifications": {"drop": 1}}], indirect=True)
def test_what_is_dropped_never_arrives(post):
    post.send("a")
    assert post.arrived == []
    assert post.faults.told()["counts"] == {"notifications.drop": 1}


@pytest.mark.parametrize("post", [{"notifications": {"double": 1}}], indirect=True)
def test_what_is_doubled_arrives_twice(post):
    post.send("a")
    assert post.arrived == ["a", "a"]


@pytest.mark.parametrize("post", [{"notifications": {"delay": 1}}], indirect=True)
def test_what_is_delayed_arrives_after_the_plans_seconds(post):
    post.send("a")
    eventually(lambda: post.clock.sleepers == 1, "the courier waits")
    post.clock.advance(59)
    assert post.arrived == []
    post.clock.advance(1)
    eventually(lambda: post.arrived == ["a"], "the arrival")


@pytest.mark.parametrize("post", [{"notifications": {"reorder": 1}}], indirect=True)
def test_what_is_reordered_is_passed_by_the_next(post):
    post.send("first", "second")
    assert post.arrived == []
    post.faults.replace(parse_plan({}))

    post.send("third")

    assert post.arrived == ["third", "first", "second"]


@pytest.mark.parametrize("post", [{"notifications": {"reorder": 1}}], indirect=True)
def test_what_nothing_passes_arrives_in_the_end_and_once(post):
    post.send("a")
    eventually(lambda: post.clock.sleepers == 1, "the courier waits")
    post.clock.advance(60)
    eventually(lambda: post.arrived, "the arrival")
    post.faults.replace(parse_plan({}))
    post.send("b")
    assert post.arrived == ["a", "b"]


def test_a_delivery_that_fails_is_logged_and_keeps_nobody_from_the_next(post, caplog):
    def refuse():
        raise OSError("the queue is gone")

    post.courier.send(refuse)
    post.send("a")

    assert post.arrived == ["a"]
    assert "the queue is gone" in caplog.text


@pytest.mark.parametrize("post", [{"notifications": {"delay": 1}}], indirect=True)
def test_what_waits_when_the_courier_stops_is_lost(post):
    post.send("a")
    post.courier.stop()
    eventually(lambda: not post.clock.sleepers, "the courier's end")
    post.clock.advance(60)
    assert post.arrived == []
