"""The rules of verdicts as people have set them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bintally.domain.errors import SettingError, StoreError
from bintally.domain.site_settings import with_changes
from bintally.domain.verdicts import VerdictRules


class SiteSettings(Protocol):
    """The settings that people change while the stack runs."""

    def changes(self) -> Mapping[str, object]:
        """The settings that people have changed, by name. May be a minute old.

        Raises StoreError if they can't be read, and SettingError if they are malformed.
        """


def current_rules(site: SiteSettings, start: VerdictRules) -> tuple[VerdictRules, str]:
    """The rules with what people changed, and why their changes could not be used ("" if they could).

    Then the rules are those of the template, `start`: verdicts go on.
    """
    try:
        return with_changes(start, site.changes()), ""
    except (StoreError, SettingError, ValueError) as error:
        return start, str(error)
