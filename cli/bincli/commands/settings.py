"""`bintally settings`: the rules of verdicts, changed without a deployment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from bintally.domain.site_settings import with_changes
from typer.core import TyperGroup

from bincli.count_text import minute_text
from bincli.deployment import Deployment, open_deployment
from bincli.errors import INCOMPLETE, CommandError, exit_on_error
from bincli.options import Json, Profile, Region, Stack
from bincli.output import Block, Note, Output, Record
from bincli.site_settings import (
    Setting,
    fault_of,
    known,
    option,
    parsed,
    settings_of,
    template_rules,
    value_text,
    variables_of,
)
from bincli.tables import Column, Table
from bincli.text import Styled

if TYPE_CHECKING:
    from bintally.adapters.site_settings import SettingsVersion

FOLLOWS = (
    "New verdicts follow within a minute. Lines that have a verdict keep it until their count or order changes: "
    "see docs/operate.md#settings for how to have them judged again."
)


class ShowFirst(TyperGroup):
    """`bintally settings` alone, or with options, is `bintally settings show`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
            args = ["show", *args]
        return super().parse_args(ctx, args)


def show(stack: Stack = None, region: Region = None, profile: Profile = None, as_json: Json = False) -> None:
    """Show the settings of verdicts, and who changed them.

    Reads the SSM parameter of the stack, and the template's values from the
    function that gives verdicts. `bintally settings` alone does the same.
    With --json, one line for each setting.

    \b
    Exit codes: 0 shown, 1 the stack can't be read.

    \b
    Examples:
      bintally settings show
      bintally settings show --stack prod --json
    """
    output = Output.standard(as_json)
    with exit_on_error():
        show_settings(open_deployment(stack, region, profile), output)


def change(
    assignments: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Such as match-risk=0.03.")],
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Change settings of verdicts, without a deployment.

    Checks the values by the rules that the functions use, and changes all
    of them or none. The settings are discrepancy-rate, discrepancy-steps,
    match-risk, variance-threshold and audit-share. New verdicts follow
    within a minute. Deployments leave the changes alone.

    \b
    Exit codes:
      0  changed, or they had these values
      1  a value is refused, or the stack can't be used
      3  somebody else changed settings at the same time

    \b
    Examples:
      bintally settings set match-risk=0.03
      bintally settings set discrepancy-rate=0.02 --stack prod
      bintally settings set discrepancy-steps=0.8,0.2
    """
    output = Output.standard(as_json)
    with exit_on_error():
        code = set_settings(open_deployment(stack, region, profile), assignments, output)
    raise typer.Exit(code)


def history(stack: Stack = None, region: Region = None, profile: Profile = None, as_json: Json = False) -> None:
    """List the versions of the settings, newest first.

    SSM keeps the last 100 versions. With --json, one line for each.

    \b
    Exit codes: 0 listed, 1 the stack can't be read.

    \b
    Examples:
      bintally settings history
      bintally settings history --stack prod --json
    """
    output = Output.standard(as_json)
    with exit_on_error():
        show_history(open_deployment(stack, region, profile), output)


def reset(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Default: all settings.")] = None,
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Set settings back to the template's values.

    They follow the template again, also when a deployment changes it.

    \b
    Exit codes:
      0  they have the template's values
      1  the stack can't be used
      3  somebody else changed settings at the same time

    \b
    Examples:
      bintally settings reset
      bintally settings reset match-risk --stack prod
    """
    output = Output.standard(as_json)
    with exit_on_error():
        code = reset_settings(open_deployment(stack, region, profile), names or (), output)
    raise typer.Exit(code)


def show_settings(deployment: Deployment, output: Output) -> None:
    """Print every setting."""
    start, versions = template_rules(variables_of(deployment)), deployment.site_settings.versions()
    found = settings_of(start, versions)
    output.emit(map(asdict, found), view(found, fault_of(start, versions[-1].changes) if versions else ""))


def set_settings(deployment: Deployment, assignments: Sequence[str], output: Output) -> int:
    """Change settings; the exit code. Raises CommandError for a value that is refused."""
    start, versions = template_rules(variables_of(deployment)), deployment.site_settings.versions()
    before = versions[-1].changes if versions else {}
    after = {**before, **parsed(assignments)}
    try:
        with_changes(start, after)
    except ValueError as error:
        raise CommandError(f"Nothing was changed: {error}.") from error
    return write(deployment, versions, after, output)


def reset_settings(deployment: Deployment, names: Sequence[str], output: Output) -> int:
    """Remove what was changed, of all settings or of these; the exit code. Raises CommandError for an unknown name."""
    chosen, versions = set(map(known, names)), deployment.site_settings.versions()
    before = versions[-1].changes if versions else {}
    kept = {name: value for name, value in before.items() if chosen and name not in chosen}
    return write(deployment, versions, kept, output)


def write(
    deployment: Deployment, versions: Sequence[SettingsVersion], changes: Mapping[str, object], output: Output
) -> int:
    """Write what is changed now and show the settings; the exit code."""
    latest = versions[-1].number if versions else 0
    is_same = changes == (versions[-1].changes if versions else {})
    number = latest if is_same else deployment.site_settings.write(changes)
    show_settings(deployment, output)
    if is_same:
        output.info("Nothing to change.")
    elif number != latest + 1:
        output.info("Somebody else changed settings at the same time. Compare bintally settings history.", "yellow")
        return INCOMPLETE
    else:
        output.info(FOLLOWS)
    return 0


def show_history(deployment: Deployment, output: Output) -> None:
    """Print every version, the newest first."""
    versions = deployment.site_settings.versions()[::-1]
    output.emit(map(version_record, versions), history_view(versions))


def version_record(version: SettingsVersion) -> Record:
    return {"version": version.number, "at": version.at, "by": version.by, "changes": dict(version.changes)}


def view(settings: Sequence[Setting], fault: str) -> Iterator[Block]:
    names = "Setting", "Value", "Template", "Changed (UTC)"
    table = Table([*map(Column, names), Column("By", folds=True)])
    for setting in settings:
        values = Styled(value_text(setting.value), "bold" if setting.changed_at else ""), value_text(setting.template)
        table.add(option(setting.name), *values, minute_text(setting.changed_at or None), setting.changed_by or "-")
    yield table
    if fault:
        yield Styled(f"Verdicts use the template's values, because {fault}. Set or reset it.", "red")


def history_view(versions: Sequence[SettingsVersion]) -> Iterator[Block]:
    if not versions:
        yield Note("Nobody has changed a setting.")
        return
    table = Table(
        [Column("Version", right=True), Column("At (UTC)"), Column("By", folds=True), Column("Changed", folds=True)]
    )
    for version in versions:
        changes = ", ".join(f"{option(name)}={value_text(value)}" for name, value in version.changes.items())
        table.add(str(version.number), minute_text(version.at), version.by, changes or "nothing: as in the template")
    yield table
