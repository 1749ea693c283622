import json

import pytest
from binlocal.errors import PlanError
from binlocal.sagemaker.faults import FaultInjector, parse_plan, read_plan

WHOLE = {
    "seed": 7,
    "notifications": {"drop": 0.1, "double": 0.2, "delay": 0.3, "reorder": 0.4, "epoch_times": 0.5},
    "delay_seconds": 90,
    "requests": {"error_5xx": 0.1, "throttle": 0.2, "lost_answer": 0.3},
    "transform": {"capacity": 0.5, "quota": 0.5, "shard": 1},
    "model": {"kill": 0, "slow": 1, "slow_seconds": 2.5},
    "expiry": {"silent": 1},
}


def test_a_complete_plan_is_parsed():
    plan = parse_plan(WHOLE)

    assert (plan.seed, plan.delay_seconds, plan.slow_seconds) == (7, 90.0, 2.5)
    assert plan.rates["notifications.reorder"] == 0.4
    assert plan.rates["transform.shard"] == 1.0


def test_without_a_plan_no_fault_occurs():
    faults = FaultInjector()

    assert not any(faults.occurs("notifications.drop") for _ in range(1000))
    assert faults.summary() == {"plan": {}, "counts": {}, "chances": {}}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([], "must be a JSON object"),
        ({"network": 1}, "no member network"),
        ({"notifications": {"lose": 0.1, "eat": 0.1}}, "no member notifications.eat, notifications.lose"),
        ({"requests": {"throttle": 1.1}}, "requests.throttle must be a number from 0 to 1, not 1.1"),
        ({"requests": {"throttle": True}}, "must be a number from 0 to 1, not True"),
        ({"delay_seconds": -1}, "delay_seconds must be a number not negative, not -1"),
        ({"seed": "x"}, "seed must be a whole number, not 'x'"),
    ],
)
def test_an_invalid_plan_is_explained(members, expected):
    with pytest.raises(PlanError, match=expected):
        parse_plan(members)


@pytest.mark.parametrize("content", [None, "{", '{"drop": 1}'])
def test_an_invalid_plan_file_is_named(tmp_path, content):
    path = tmp_path / "plan.json"
    if content:
        path.write_text(content)

    with pytest.raises(PlanError, match=r"plan\.json is not a valid fault plan"):
        read_plan(path)


def decisions(faults, kind, number=200):
    return [faults.occurs(kind) for _ in range(number)]


def test_the_same_seed_gives_the_same_decisions_whatever_other_faults_occur():
    first, second = (FaultInjector(parse_plan(WHOLE)) for _ in range(2))
    decisions(second, "notifications.double")

    assert decisions(first, "notifications.drop") == decisions(second, "notifications.drop")
    other = FaultInjector(parse_plan({**WHOLE, "seed": 8}))
    assert decisions(first, "notifications.delay") != decisions(other, "notifications.delay")


def test_faults_and_chances_are_counted():
    faults = FaultInjector(parse_plan(WHOLE))

    occurred = sum(decisions(faults, "notifications.drop", 1000))

    assert 60 < occurred < 140
    assert faults.summary() == {
        "plan": WHOLE,
        "counts": {"notifications.drop": occurred},
        "chances": {"notifications.drop": 1000},
    }


def test_a_new_plan_restarts_from_its_seed_and_keeps_the_counts():
    faults = FaultInjector(parse_plan(WHOLE))
    first = decisions(faults, "notifications.drop")

    faults.replace(parse_plan(WHOLE))

    assert decisions(faults, "notifications.drop") == first
    assert faults.summary()["counts"] == {"notifications.drop": 2 * sum(first)}


def test_plan_and_counts_survive_a_restart(tmp_path):
    path = tmp_path / "faults.json"
    faults = FaultInjector(parse_plan({}), path)
    faults.replace(parse_plan(WHOLE))
    faults.occurs("transform.shard")

    again = FaultInjector(parse_plan({"seed": 1}), path)

    assert again.plan == parse_plan(WHOLE)
    assert again.summary()["counts"] == {"transform.shard": 1}
    assert json.loads(path.read_text())["plan"] == WHOLE
