"""ONNX Runtime sends telemetry from the moment it is imported, unless a variable is set before."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from binlocal.template import load_template
from binmodel.artifact import shipped

from tests.unit.model_code.sample_images import grey_image, jpeg

ROOT = Path(__file__).parents[3]
VARIABLE = "ORT_DISABLE_TELEMETRY"
ROOMS = ("functions", "model_code", "training", "cli", "local", "benchmarks", "tests")
# Loading the model starts the telemetry. A count follows, as in normal use.
COUNT = """
import sys
from pathlib import Path
from binlocal.template import load_template
from binmodel.artifact import shipped
from binmodel.predict import Predictor
from binmodel.stream import predict_stream
print(*predict_stream(Predictor.load(shipped()), [Path(sys.argv[1])], Path.read_bytes))
"""
CONNECT = re.compile(r"(connect|sendto|sendmsg)\(.*sa_family=AF_INET6?")


def users_of_onnxruntime() -> Iterator[Path]:
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if re.search(r"^\s*(import|from) onnxruntime\b", path.read_text(), re.MULTILINE):
                yield path


def imported_in_order(path: Path) -> list[str]:
    """The top-level modules that a file imports, in order."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, name.name) for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append((node.lineno, node.module))
    return [name.partition(".")[0] for _, name in sorted(found)]


def counting(folder: Path, command: list[str]) -> dict[str, str]:
    """Runs `command` and then a count, with the user's folders inside `folder`. Returns the environment."""
    (folder / "photo.jpg").write_bytes(jpeg(grey_image(3)))
    (folder / "home").mkdir()
    home = {name: str(folder / "home") for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    inherited = {name: value for name, value in os.environ.items() if name != VARIABLE}
    environment = {**inherited, **home, "PYTHONPATH": str(ROOT / "model_code"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*command, sys.executable, "-c", COUNT, str(folder / "photo.jpg")],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "'count'" in done.stdout, done.stderr
    return environment


needs_model = pytest.mark.skipif(not (shipped() / "model.json").exists(), reason="the shipped model is not there")


@needs_model
def test_a_count_writes_nothing_into_the_home_folder(tmp_path: Path) -> None:
    counting(tmp_path, [])

    assert [path for path in (tmp_path / "home").rglob("*") if path.is_file()] == []


@needs_model
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_a_count_makes_no_connections(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    counting(tmp_path, ["strace", "-f", "-e", "trace=network", "-o", str(trace)])

    assert "exited with 0" in trace.read_text()
    assert [line for line in trace.read_text().splitlines() if CONNECT.search(line)] == []


@pytest.mark.parametrize("path", [*users_of_onnxruntime()], ids=lambda path: str(path.relative_to(ROOT)))
def test_binmodel_is_imported_before_onnxruntime(path: Path) -> None:
    """`import binmodel` sets the variable. Modules inside the package are imported after it."""
    order = imported_in_order(path)

    assert path.parent.name == "binmodel" or order.index("binmodel") < order.index("onnxruntime")


def test_the_variable_is_set_wherever_a_model_server_starts() -> None:
    template = load_template(ROOT / "template.yaml")
    model = template["Resources"]["CounterModel"]["Properties"]["PrimaryContainer"]

    assert model["Environment"][VARIABLE] == "1"
    assert f"{VARIABLE}=1" in (ROOT / "model_code" / "Dockerfile").read_text()
