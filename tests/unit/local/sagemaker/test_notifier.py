import pytest
from binlocal.sagemaker.faults import FaultInjector, parse_plan
from binlocal.sagemaker.notifier import Notifier

from tests.unit.local.sagemaker.driven_clock import DrivenClock
from tests.unit.local.waiting import eventually


class PostOffice:
    """A notifier with a fault plan, and the deliveries that arrived."""

    def __init__(self, **plan):
        self.clock = DrivenClock()
        self.faults = FaultInjector(parse_plan({"delay_seconds": 60, **plan}))
        self.notifier = Notifier(self.faults, self.clock)
        self.arrived = []

    def send(self, *names):
        for name in names:
            self.notifier.send(lambda name=name: self.arrived.append(name))


@pytest.fixture
def post(request):
    office = PostOffice(**getattr(request, "param", {}))
    yield office
    office.notifier.stop()


def test_without_faults_everything_arrives_once_and_in_order(post):
    post.send("a", "b")
    assert post.arrived == ["a", "b"]


@pytest.mark.parametrize("post", [{"notifications": {"drop": 1}}], indirect=True)
def test_a_dropped_notification_never_arrives(post):
    post.send("a")
    assert post.arrived == []
    assert post.faults.summary()["counts"] == {"notifications.drop": 1}


@pytest.mark.parametrize("post", [{"notifications": {"double": 1}}], indirect=True)
def test_a_doubled_notification_arrives_twice(post):
    post.send("a")
    assert post.arrived == ["a", "a"]


@pytest.mark.parametrize("post", [{"notifications": {"delay": 1}}], indirect=True)
def test_a_delayed_notification_arrives_after_the_plans_delay(post):
    post.send("a")
    eventually(lambda: post.clock.sleepers == 1, "the notifier waits")
    post.clock.advance(59)
    assert post.arrived == []
    post.clock.advance(1)
    eventually(lambda: post.arrived == ["a"], "the arrival")


@pytest.mark.parametrize("post", [{"notifications": {"reorder": 1}}], indirect=True)
def test_a_reordered_notification_arrives_after_the_next_one(post):
    post.send("first", "second")
    assert post.arrived == []
    post.faults.replace(parse_plan({}))

    post.send("third")

    assert post.arrived == ["third", "first", "second"]


@pytest.mark.parametrize("post", [{"notifications": {"reorder": 1}}], indirect=True)
def test_a_reordered_notification_without_a_successor_arrives_once_after_the_delay(post):
    post.send("a")
    eventually(lambda: post.clock.sleepers == 1, "the notifier waits")
    post.clock.advance(60)
    eventually(lambda: post.arrived, "the arrival")
    post.faults.replace(parse_plan({}))
    post.send("b")
    assert post.arrived == ["a", "b"]


def test_a_failed_delivery_is_logged_and_does_not_stop_the_next(post, caplog):
    def fail():
        raise OSError("the queue is gone")

    post.notifier.send(fail)
    post.send("a")

    assert post.arrived == ["a"]
    assert "the queue is gone" in caplog.text


@pytest.mark.parametrize("post", [{"notifications": {"delay": 1}}], indirect=True)
def test_waiting_notifications_are_lost_when_the_notifier_stops(post):
    post.send("a")
    post.notifier.stop()
    eventually(lambda: not post.clock.sleepers, "the notifier's end")
    post.clock.advance(60)
    assert post.arrived == []
