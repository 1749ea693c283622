"""The rooms and who may import what: section 1 of the design, held by a walk over every import of every file."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("functions", "model_code", "training", "cli", "local")
OURS = {"bintally", "binmodel", "binlab", "binjobs", "binlocal", "bincli"}
AWS = {"boto3", "botocore"}
TORCH = {"torch", "torchvision", "safetensors"}
STANDARD = set(sys.stdlib_module_names) | {"__future__"}


@dataclass(frozen=True)
class Import:
    """`module` imported by the file `path` (relative to the repository); `at_import` when not inside a function."""

    path: str
    module: str
    at_import: bool

    @property
    def top(self) -> str:
        return self.module.split(".")[0]


def files(folder: str) -> list[Path]:
    return [path for path in sorted((ROOT / folder).rglob("*.py")) if "__pycache__" not in path.parts]


def imports(folder: str) -> list[Import]:
    """Every import under a folder, also those inside functions and of names: `from a import b` is `a.b`."""
    found = [each for path in files(folder) for each in imports_of(path)]
    assert found, f"nothing is imported under {folder}: this test would check nothing"
    return found


def imports_of(path: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text(), str(path))
    late = {node for outer in ast.walk(tree) if isinstance(outer, FUNCTION) for node in ast.walk(outer)}
    for node in ast.walk(tree):
        for module in modules_in(node):
            yield Import(path.relative_to(ROOT).as_posix(), module, node not in late)


FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def modules_in(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [name.name for name in names]
        case ast.ImportFrom(level=0, module=str(module), names=names):
            return [f"{module}.{name.name}" for name in names]
        case ast.ImportFrom(level=level) if level:
            raise AssertionError(f"a relative import, which hides the room: {ast.unparse(node)}")
        case ast.Call(
            func=ast.Name(id="__import__") | ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name))]
        ):
            return [name]
    return []


def within(module: str, *rooms: str) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def offenders(found: list[Import], allowed: object) -> list[tuple[str, str]]:
    return [(each.path, each.module) for each in found if not allowed(each)]  # type: ignore[operator]


# ---- Lambda: functions/bintally


def test_the_domain_is_standard_library_only() -> None:
    assert (
        offenders(
            imports("functions/bintally/domain"), lambda i: i.top in STANDARD or within(i.module, "bintally.domain")
        )
        == []
    )


def test_messages_know_the_domain_and_the_standard_library_only() -> None:
    rooms = ("bintally.domain", "bintally.messages")

    assert (
        offenders(imports("functions/bintally/messages"), lambda i: i.top in STANDARD or within(i.module, *rooms)) == []
    )


def test_use_cases_know_the_domain_and_their_ports_only() -> None:
    rooms = ("bintally.domain", "bintally.usecases")

    assert (
        offenders(imports("functions/bintally/usecases"), lambda i: i.top in STANDARD or within(i.module, *rooms)) == []
    )


def test_adapters_know_the_domain_boto3_and_one_regex_engine_only() -> None:
    rooms = ("bintally.domain", "bintally.adapters")

    assert (
        offenders(
            imports("functions/bintally/adapters"),
            lambda i: (
                i.top in STANDARD | AWS | {"re2"}
                or within(i.module, *rooms, "aws_lambda_powertools.utilities.parameters")
            ),
        )
        == []
    )


def test_handlers_know_powertools_and_no_boto3() -> None:
    allowed = STANDARD | {"bintally", "aws_lambda_powertools"}
    desk = "functions/bintally/handlers/desk_api/"

    def may(found: Import) -> bool:
        return found.top in allowed or (found.top == "pydantic" and found.path.startswith(desk))

    assert offenders(imports("functions/bintally/handlers"), may) == []


def test_only_the_wiring_of_the_handlers_knows_adapters() -> None:
    knowing = {i.path for i in imports("functions/bintally/handlers") if within(i.module, "bintally.adapters")}

    assert knowing == {"functions/bintally/handlers/wiring.py"}


def test_functions_import_only_what_their_requirements_name() -> None:
    named = (ROOT / "functions/requirements.txt").read_text().lower()
    third_party = {i.top for i in imports("functions")} - STANDARD - {"bintally"}

    assert third_party <= {"boto3", "botocore", "aws_lambda_powertools", "pydantic", "re2"}
    assert "google-re2==" in named
    assert "boto3==" in named
    assert "aws-lambda-powertools==" in named
    assert "pydantic==" in named
    assert "tzdata==" in named  # read by zoneinfo where the system has no time zones


def test_errors_of_boto3_are_translated_in_adapters_only() -> None:
    translating = {i.path for i in imports("functions") if i.module.endswith((".ClientError", ".BotoCoreError"))}

    assert translating
    assert all(path.startswith("functions/bintally/adapters/") for path in translating)


# ---- The container: model_code


def test_the_model_knows_no_other_room() -> None:
    assert offenders(imports("model_code"), lambda i: i.top not in OURS - {"binmodel"}) == []


def test_the_model_reaches_aws_in_one_file() -> None:
    assert {i.path for i in imports("model_code") if i.top in AWS} == {"model_code/binmodel/fetch.py"}


def test_the_model_counts_without_torch() -> None:
    """The default backend is ONNX Runtime: torch comes only with the torch backend, inside a function or its module."""
    at_import = {i.path for i in imports("model_code") if i.top in TORCH and i.at_import}

    assert at_import <= {"model_code/binmodel/network.py"}
    assert not {i.path for i in imports("model_code") if i.module.startswith("binmodel.network") and i.at_import}


def test_the_model_knows_no_sagemaker_sdk() -> None:
    assert offenders(imports("model_code"), lambda i: i.top != "sagemaker") == []


# ---- Training


def test_training_knows_the_model_and_no_other_room() -> None:
    assert offenders(imports("training"), lambda i: i.top not in OURS - {"binmodel", "binlab", "binjobs"}) == []


def test_the_library_of_training_touches_no_job_and_no_bucket() -> None:
    assert offenders(imports("training/binlab"), lambda i: i.top not in AWS | {"sagemaker"}) == []


def test_the_library_of_training_knows_no_job() -> None:
    assert offenders(imports("training/binlab"), lambda i: i.top != "binjobs") == []


def test_training_itself_knows_no_sagemaker() -> None:
    assert offenders(list(imports_of(ROOT / "training/train.py")), lambda i: i.top not in AWS | {"sagemaker"}) == []


# ---- A laptop: cli and local


def test_the_local_stack_knows_no_inside_of_the_functions() -> None:
    """It runs what template.yaml deploys; messages are shared, not code."""
    assert (
        offenders(imports("local/binlocal"), lambda i: i.top not in {"bintally", "binlab", "binjobs", "bincli"}) == []
    )


def test_the_command_uses_use_cases_and_adapters_but_no_handler() -> None:
    assert offenders(imports("cli"), lambda i: not within(i.module, "bintally.handlers", "binlab", "binjobs")) == []


@pytest.mark.parametrize("folder", ["cli", "local"])
def test_neither_the_command_nor_the_local_stack_names_torch(folder: str) -> None:
    assert offenders(imports(folder), lambda i: i.top not in TORCH | {"sagemaker"}) == []


def test_the_command_starts_without_model_and_stack() -> None:
    """So that `bintally --help` answers at once."""
    heavy = {
        "torch",
        "onnxruntime",
        "numpy",
        "PIL",
        "ministack",
        "moto",
        "samtranslator",
        "binmodel",
        "binlocal",
        "boto3",
        "rich",
    }
    probe = f"import sys, bincli.main; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


# ---- Everywhere


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_room_imports_tests(folder: str) -> None:
    assert offenders(imports(folder), lambda i: i.top not in {"tests", "pytest", "hypothesis", "moto"}) == []


def test_no_module_is_called_utils() -> None:
    names = {path.stem for folder in FOLDERS for path in files(folder)}

    assert not names & {"utils", "util", "helpers", "common", "misc", "base"}


def test_every_package_of_ours_is_known_here() -> None:
    """A package that OURS forgets may be imported from any room."""
    assert {path.parent.name for folder in FOLDERS for path in (ROOT / folder).glob("*/__init__.py")} == OURS


def test_every_package_is_installed() -> None:
    """setuptools finds a package only in a room that it searches, and only with an __init__.py."""
    find = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    folders = {path.parent for folder in FOLDERS for path in files(folder) if path.parent != ROOT / folder}

    assert set(find["where"]) == set(FOLDERS)
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


DEFINITIONS = (ast.Import, ast.ImportFrom, ast.ClassDef, *FUNCTION, ast.Assign, ast.AnnAssign)
REGISTRATIONS = (
    "app.command(",
    "app.add_typer(",
    "app.callback(",
    "label_commands.command(",
    "order_commands.command(",
    "model_commands.command(",
    "setting_commands.command(",
)  # of the commands in bincli.main


def is_definition(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()):
            return True  # a docstring
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
            return True
        case ast.Expr(value=ast.Call()):
            return ast.unparse(node).startswith(REGISTRATIONS)
        case ast.For(body=body):
            return all(ast.unparse(each).startswith(REGISTRATIONS) for each in body)
    return isinstance(node, DEFINITIONS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_import_does_nothing_but_define(folder: str) -> None:
    acting = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in files(folder)
        for node in ast.parse(path.read_text()).body
        if not is_definition(node)
    ]

    assert acting == []


@pytest.mark.parametrize(("folders", "lines"), [(FOLDERS, 250), (("tests",), 400)])
def test_a_module_is_short_enough_to_read(folders: tuple[str, ...], lines: int) -> None:
    paths = [path for folder in folders for path in files(folder) if lines == 250 or path.stem.startswith("test_")]
    long = [path.relative_to(ROOT).as_posix() for path in paths if len(path.read_text().splitlines()) > lines]

    assert long == []


# ---- Tests

# Folders under tests/unit that mirror no package, and why.
NO_PACKAGE = {
    "benchmarks": "scripts, which are no package",
    "functions/adapters/contracts": "one suite for the fakes and the adapters of every port",
}


def packages_of(folder: Path) -> list[Path]:
    """Where the package may be that a folder under tests/unit mirrors: `cli/audit` is `cli/bincli/audit`."""
    room, *rest = folder.relative_to(ROOT / "tests/unit").parts
    packages = [init.parent for init in (ROOT / room).glob("*/__init__.py")]
    named = [ROOT / room / f"bin{rest[0]}"] if rest else []
    return [*named, *(package.joinpath(*rest) for package in packages)]


def test_unit_tests_mirror_the_packages() -> None:
    folders = {path.parent for path in files("tests/unit") if path.stem.startswith("test_")}
    homeless = [folder for folder in folders if not any((p / "__init__.py").exists() for p in packages_of(folder))]

    assert sorted(folder.relative_to(ROOT / "tests/unit").as_posix() for folder in homeless) == sorted(NO_PACKAGE)


def test_every_fake_and_helper_is_used_by_a_test() -> None:
    """A fake that no test uses drifts from what it stands for."""
    words = Counter(word for path in files("tests") for word in re.findall(r"\w+", path.read_text()))
    modules = [path for path in files("tests") if not path.stem.startswith("test_") and path.stem != "conftest"]
    defined = {
        f"{path.relative_to(ROOT)}: {node.name}": node.name
        for path in modules
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }

    assert [place for place, name in defined.items() if words[name] < 2] == []
