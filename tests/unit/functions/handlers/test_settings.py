from __future__ import annotations

import pytest
from bintally.domain.verdicts import Thresholds
from bintally.handlers.settings import MissingSettingError, read_settings

from tests.template.deployed import Stack, source, stack

GIVEN = {name: value for name, value in stack().environment("IntakeFunction").items() if "POWERTOOLS" not in name}
OPTIONAL = {"KEY_PATTERN"}


def test_the_template_gives_what_the_functions_need() -> None:
    settings = read_settings(GIVEN)

    assert settings.intake_bucket == stack().outputs["IntakeBucket"]
    assert settings.result_topics == {stack().outputs["SuccessTopic"], stack().outputs["ErrorTopic"]}
    assert settings.endpoint_name == stack().outputs["EndpointName"]
    parameters = source()["Parameters"]
    assert settings.thresholds == Thresholds(
        match=parameters["MatchThreshold"]["Default"], variance=parameters["VarianceThreshold"]["Default"]
    )
    assert settings.micro_batch_size == 500
    assert settings.key_pattern == ""


def test_the_templates_parameters_reach_the_functions() -> None:
    given = Stack(MicroBatchSize="7", KeyPattern="(?P<bin_id>x)", MatchThreshold="0.7").environment("CollectFunction")

    settings = read_settings(given)

    assert (settings.micro_batch_size, settings.key_pattern, settings.thresholds.match) == (7, "(?P<bin_id>x)", 0.7)


@pytest.mark.parametrize("name", sorted(set(GIVEN) - OPTIONAL))
@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_missing_is_named(name: str, value: str | None) -> None:
    lacking = {key: text for key, text in GIVEN.items() if key != name} | ({} if value is None else {name: value})

    with pytest.raises(MissingSettingError, match=f"The environment variable {name} is missing; template.yaml sets it"):
        read_settings(lacking)


@pytest.mark.parametrize("name", ["MICRO_BATCH_SIZE", "MATCH_THRESHOLD", "VARIANCE_THRESHOLD"])
def test_a_variable_that_is_no_number_is_named(name: str) -> None:
    with pytest.raises(MissingSettingError, match=f"The environment variable {name} is not a number: 'many'"):
        read_settings(GIVEN | {name: "many"})


@pytest.mark.parametrize("pattern", ["(", r"(?P<bin>\w+)", r"\w+"])
def test_a_key_pattern_that_finds_no_bin_is_named(pattern: str) -> None:
    """The operator hears of it from every function, not from each photograph's dead letter."""
    with pytest.raises(MissingSettingError, match="The environment variable KEY_PATTERN"):
        read_settings(GIVEN | {"KEY_PATTERN": pattern})
