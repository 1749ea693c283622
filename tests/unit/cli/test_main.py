import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from bincli.main import app
from typer.main import get_command
from typer.testing import CliRunner

README = Path(__file__).parents[3] / "README.md"


def commands(group=None, path=()):
    """(words, command) of every command, those of groups included."""
    for name, command in (group or get_command(app)).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands())


def test_there_are_these_commands_and_no_others():
    assert {" ".join(words) for words in COMMANDS} == {
        "audit",
        "backfill",
        "backup",
        "bins",
        "consignment",
        "cost",
        "count",
        "decide",
        "demo",
        "deploy",
        "destroy",
        "export",
        "history",
        "image",
        "invoke",
        "jobs",
        "labels export",
        "lines",
        "model deploy",
        "model push",
        "model replay",
        "model rollback",
        "model status",
        "orders cancel",
        "orders catalogue",
        "orders import",
        "quality",
        "recount",
        "redrive",
        "restore",
        "retry",
        "review",
        "settings history",
        "settings reset",
        "settings set",
        "settings show",
        "smoke",
        "up",
    }


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_teaches_by_examples(words):
    result = CliRunner().invoke(app, [*words, "--help"])

    assert result.exit_code == 0
    examples = result.stdout.partition("Examples:")[2].splitlines()
    assert any(line.strip().startswith(f"bintally {' '.join(words)}") for line in examples)


@pytest.mark.parametrize("words", COMMANDS)
def test_every_help_starts_with_a_short_sentence_and_has_the_exit_codes(words):
    first, *rest = COMMANDS[words].help.splitlines()

    assert len(first) < 60
    assert first.endswith(".")
    assert any(line.startswith("Exit codes:") for line in rest)
    assert max(len(line) for line in rest) <= 78, "a terminal of 80 columns would break it"


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_prints_json_for_programs(words):
    assert "--json" in {option for parameter in COMMANDS[words].params for option in parameter.opts}


@pytest.mark.parametrize("words", COMMANDS)
def test_every_parameter_is_explained(words):
    assert [one.name for one in COMMANDS[words].params if not getattr(one, "help", None)] == []


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_is_in_the_readme(words):
    assert f"bintally {' '.join(words)}" in README.read_text(encoding="utf-8")


def test_the_readme_has_no_command_that_there_is_not():
    blocks = re.findall(r"^```(?:bash|sh|console)$(.*?)^```$", README.read_text(encoding="utf-8"), re.M | re.S)
    shown = re.findall(r"^\$? ?(?:\.venv/bin/)?bintally ((?:orders )?[a-z]+)", "\n".join(blocks), re.M)

    assert set(shown) <= {" ".join(words) for words in COMMANDS}


@pytest.mark.parametrize("arguments", [["count"], ["bins", "a", "b"], ["invoke", "intake"], ["nothing"], ["up", "x"]])
def test_wrong_usage_ends_with_2(arguments):
    assert CliRunner().invoke(app, arguments).exit_code == 2


@pytest.mark.parametrize(
    ("option", "path"),
    [("--images", "nowhere"), ("--orders", "nowhere.csv"), ("--report", "report.csv"), ("--report", "/")],
)
def test_the_demo_does_not_start_with_files_that_it_could_not_use(option, path):
    assert CliRunner().invoke(app, ["demo", option, path]).exit_code == 2


@pytest.mark.parametrize("arguments", [["up"], ["demo"]])
def test_nothing_is_started_without_a_model(tmp_path, arguments):
    result = CliRunner().invoke(app, [*arguments, "--model", str(tmp_path)])

    assert result.exit_code == 1
    assert "There is no model in" in result.stderr
    assert "Starting" not in result.stderr


@pytest.mark.parametrize("words", [(), *COMMANDS])
def test_h_is_help(words):
    result = CliRunner().invoke(app, [*words, "-h"])

    assert (result.exit_code, "Usage:" in result.stdout) == (0, True)


def test_the_version_is_the_packages():
    result = CliRunner().invoke(app, ["--version"])

    assert (result.exit_code, result.stdout) == (0, f"bintally {version('bintally')}\n")


STACKED = [words for words, command in COMMANDS.items() if "stack" in {one.name for one in command.params}]


@pytest.mark.parametrize("words", STACKED)
def test_every_command_for_a_stack_takes_region_and_profile(words):
    assert {"region", "profile"} <= {one.name for one in COMMANDS[words].params}


@pytest.mark.parametrize("option", [["--region", "eu-west-1"], ["--profile", "depot"]])
def test_the_local_stack_has_neither_region_nor_profile(option):
    result = CliRunner().invoke(app, ["bins", *option])

    assert (result.exit_code, "--stack" in result.stderr) == (2, True)


def test_an_audit_without_a_stack_did_not_look(tmp_path, monkeypatch):
    monkeypatch.setenv("BINTALLY_WORK", str(tmp_path))

    result = CliRunner().invoke(app, ["audit"])

    assert result.exit_code == 2
    assert result.stderr.startswith("Error: Nothing was audited. No local stack is running.")


def test_help_loads_nothing_heavy():
    """Help prints at once: loading the commands' libraries takes longer than printing it."""
    code = (
        "import sys, json; from typer.testing import CliRunner; from bincli.main import app;"
        "CliRunner().invoke(app, ['--help']); print(json.dumps(sorted(sys.modules)))"
    )
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)

    heavy = {"boto3", "botocore", "numpy", "PIL", "onnxruntime", "torch", "ministack", "rich", "binlocal", "binmodel"}
    assert not heavy & set(loaded)
