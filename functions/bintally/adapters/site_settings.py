"""The settings that people changed: one SSM parameter, whose value is a JSON object. No parameter means no change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.parameters import SSMProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import ClientError

from bintally.adapters.errors import store_errors
from bintally.domain.errors import SettingError, StoreError
from bintally.domain.times import iso

MAX_AGE = 60  # seconds that a value is kept
NOBODY_CHANGED = "{}"
DESCRIPTION = "Settings that were changed with bintally settings. What is missing has the value of the template."


@dataclass(frozen=True)
class SettingsVersion:
    """What was changed as of a version, when (ISO 8601, UTC) and by whom (an ARN)."""

    number: int
    changes: Mapping[str, object]
    at: str
    by: str


class SsmSettings:
    """`usecases.site_settings.SiteSettings`, and their history for the command."""

    def __init__(self, client: Any, name: str, max_age: int = MAX_AGE) -> None:
        self._client = client
        self._name = name
        self._max_age = max_age
        self._provider = SSMProvider(boto3_client=client)

    def changes(self) -> Mapping[str, object]:
        try:
            text = self._provider.get(self._name, max_age=self._max_age)
        except GetParameterError as error:
            if not _is_missing(error.__context__):
                raise StoreError(f"Reading the parameter {self._name}: {error}") from error
            text = NOBODY_CHANGED
            self._provider.add_to_cache((self._name, None, False), text, self._max_age)
        return _parsed(self._name, str(text))

    def versions(self) -> list[SettingsVersion]:
        """The versions that SSM keeps, at most 100, the newest last. A malformed one has no changes."""
        pages = self._client.get_paginator("get_parameter_history").paginate(Name=self._name)
        try:
            with store_errors(f"Reading the history of {self._name}"):
                found = [version for page in pages for version in page["Parameters"]]
        except StoreError as error:
            if _is_missing(error.__cause__):
                return []
            raise
        return sorted(map(self._version, found), key=lambda version: version.number)

    def write(self, changes: Mapping[str, object]) -> int:
        """Replace what was changed; the number of the new version."""
        with store_errors(f"Writing the parameter {self._name}"):
            answer = self._client.put_parameter(
                Name=self._name, Value=json.dumps(changes), Type="String", Description=DESCRIPTION, Overwrite=True
            )
        return int(answer["Version"])

    def _version(self, item: Mapping[str, Any]) -> SettingsVersion:
        try:
            changes = _parsed(self._name, item["Value"])
        except SettingError:
            changes = {}
        return SettingsVersion(
            int(item["Version"]), changes, iso(item["LastModifiedDate"]), item.get("LastModifiedUser", "")
        )


def _parsed(name: str, text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingError(f"The parameter {name} is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise SettingError(f"The parameter {name} is not a JSON object.")
    return found


def _is_missing(error: BaseException | None) -> bool:
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") == "ParameterNotFound"
