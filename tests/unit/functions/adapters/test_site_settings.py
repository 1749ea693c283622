from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from bintally.adapters.site_settings import SsmSettings
from bintally.domain.errors import SettingError, StoreError
from bintally.domain.site_settings import parameter_name
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.template.deployed import stack
from tests.unit.functions.aws import client

NAME = parameter_name("bintally")


@pytest.fixture(autouse=True)
def account() -> Iterator[None]:
    with mock_aws():
        yield


def put(value: str) -> None:
    client("ssm").put_parameter(Name=NAME, Value=value, Type="String", Overwrite=True)


def test_the_template_names_the_same_parameter() -> None:
    assert stack().environment("ReconcileFunction")["SETTINGS_PARAMETER"] == NAME


def test_no_parameter_means_that_nobody_has_changed_anything() -> None:
    assert SsmSettings(client("ssm"), NAME).changes() == {}
    assert SsmSettings(client("ssm"), NAME).versions() == []


def test_what_is_written_is_read_by_others() -> None:
    assert SsmSettings(client("ssm"), NAME).write({"match_risk": 0.03}) == 1

    assert SsmSettings(client("ssm"), NAME).changes() == {"match_risk": 0.03}


@pytest.mark.parametrize("first", [None, '{"match_risk": 0.1}'])
def test_a_value_is_kept_for_a_while_also_that_there_is_none(first: str | None) -> None:
    if first:
        put(first)
    kept, fresh = SsmSettings(client("ssm"), NAME), SsmSettings(client("ssm"), NAME, max_age=0)
    before = kept.changes()
    assert before == fresh.changes()

    put('{"match_risk": 0.2}')

    assert (kept.changes(), fresh.changes()) == (before, {"match_risk": 0.2})


@pytest.mark.parametrize("text", ["match_risk: 0.1", "[0.1]", "null", "[" * 100_000])
def test_what_is_no_json_object_is_an_error(text: str) -> None:
    answer = {"Parameter": {"Value": text}}

    with pytest.raises(SettingError, match=r"/bintally/bintally/settings is not"):
        SsmSettings(SimpleNamespace(get_parameter=lambda **request: answer), NAME).changes()


def test_a_refused_request_is_an_error_that_says_why() -> None:
    def refuse(**request: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "No."}}, "GetParameter")

    with pytest.raises(StoreError, match=r"settings: An error occurred \(AccessDeniedException\)"):
        SsmSettings(SimpleNamespace(get_parameter=refuse), NAME).changes()


def test_the_history_has_every_version_the_newest_last() -> None:
    settings = SsmSettings(client("ssm"), NAME)
    for number in range(60):  # more than a page
        settings.write({"match_risk": number / 1000})
    put("broken")

    versions = settings.versions()

    assert [version.number for version in versions] == list(range(1, 62))
    assert (versions[59].changes, versions[60].changes) == ({"match_risk": 0.059}, {})
    assert versions[0].at.endswith("Z") and versions[0].by
