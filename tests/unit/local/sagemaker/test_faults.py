import json

import pytest
from binlocal.errors import PlanError
from binlocal.sagemaker.faults import Faults, parse_plan, read_plan

WHOLE = {
    "seed": 7,
    "notifications": {"drop": 0.1, "double": 0.2, "delay": 0.3, "reorder": 0.4, "epoch_times": 0.5},
    "delay_seconds": 90,
    "requests": {"error_5xx": 0.1, "throttle": 0.2, "lost_answer": 0.3},
    "transform": {"capacity": 0.5, "shard": 1},
    "model": {"kill": 0, "slow": 1, "slow_seconds": 2.5},
    "expiry": {"silent": 1},
}


def test_a_whole_plan_is_read():
    plan = parse_plan(WHOLE)

    assert (plan.seed, plan.delay_seconds, plan.slow_seconds) == (7, 90.0, 2.5)
    assert plan.rates["notifications.reorder"] == 0.4
    assert plan.rates["transform.shard"] == 1.0


def test_without_a_plan_nothing_ever_goes_wrong():
    faults = Faults()

    assert not any(faults.strikes("notifications.drop") for _ in range(1000))
    assert faults.told() == {"plan": {}, "counts": {}, "chances": {}}


@pytest.mark.parametrize(
    ("members", "said"),
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
def test_a_wrong_plan_says_what_is_wrong(members, said):
    with pytest.raises(PlanError, match=said):
        parse_plan(members)


@pytest.mark.parametrize("content", [None, "{", '{"drop": 1}'])
def test_a_file_that_is_no_plan_is_named(tmp_path, content):
    path = tmp_path / "plan.json"
    if content:
        path.write_text(content)

    with pytest.raises(PlanError, match=r"plan\.json is no fault plan"):
        read_plan(path)


def decisions(faults, kind, number=200):
    return [faults.strikes(kind) for _ in range(number)]


def test_the_same_seed_decides_the_same_whatever_else_is_asked():
    first, second = (Faults(parse_plan(WHOLE)) for _ in range(2))
    decisions(second, "notifications.double")

    assert decisions(first, "notifications.drop") == decisions(second, "notifications.drop")
    other = Faults(parse_plan({**WHOLE, "seed": 8}))
    assert decisions(first, "notifications.delay") != decisions(other, "notifications.delay")


def test_each_fault_and_each_chance_is_counted():
    faults = Faults(parse_plan(WHOLE))

    struck = sum(decisions(faults, "notifications.drop", 1000))

    assert 60 < struck < 140
    assert faults.told() == {
        "plan": WHOLE,
        "counts": {"notifications.drop": struck},
        "chances": {"notifications.drop": 1000},
    }


def test_a_new_plan_begins_with_its_seed_and_keeps_the_counts():
    faults = Faults(parse_plan(WHOLE))
    first = decisions(faults, "notifications.drop")

    faults.replace(parse_plan(WHOLE))

    assert decisions(faults, "notifications.drop") == first
    assert faults.told()["counts"] == {"notifications.drop": 2 * sum(first)}


def test_plan_and_counts_outlive_the_process(tmp_path):
    path = tmp_path / "faults.json"
    faults = Faults(parse_plan({}), path)
    faults.replace(parse_plan(WHOLE))
    faults.strikes("transform.shard")

    again = Faults(parse_plan({"seed": 1}), path)

    assert again.plan == parse_plan(WHOLE)
    assert again.told()["counts"] == {"transform.shard": 1}
    assert json.loads(path.read_text())["plan"] == WHOLE
