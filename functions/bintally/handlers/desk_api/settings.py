"""The environment variables that template.yaml sets for the desk alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache

from bintally.domain.errors import SettingError

LOCAL = "AWS_ENDPOINT_URL"  # only the local stack sets it


class DeskSettings:
    """The settings in `environment`. A missing one raises SettingError when it is read."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    @property
    def blind(self) -> bool:
        """Whether the expected number and the model's count stay hidden until a person has answered."""
        return self._text("DESK_BLIND") == "on"

    @property
    def check_share(self) -> float:
        """The share of the bins of the queue that are followed by a photo that was counted already.

        0 where people see the numbers before they answer: their answer would say nothing about their counting.
        """
        text = self._text("DESK_CHECK_SHARE")
        try:
            return float(text) if self.blind else 0.0
        except ValueError as error:
            raise SettingError(f"The environment variable DESK_CHECK_SHARE is not a number: {text!r}.") from error

    @property
    def client_id(self) -> str:
        return self._text("DESK_CLIENT_ID")

    @property
    def issuer(self) -> str:
        return self._text("DESK_ISSUER")

    @property
    def sign_in_url(self) -> str:
        """The origin of the sign-in pages, or "" for the desk's own: the local stack serves everything from one."""
        return "" if LOCAL in self._environment else self._text("DESK_SIGN_IN_URL")

    def _text(self, name: str) -> str:
        text = self._environment.get(name)
        if not text:
            raise SettingError(f"The environment variable {name} is missing; template.yaml sets it.")
        return text


@cache
def desk_settings() -> DeskSettings:
    """The settings of this process."""
    return DeskSettings(os.environ)
