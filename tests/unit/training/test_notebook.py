"""The notebook as a person would run it, top to bottom, in local mode."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOK = Path(__file__).parents[3] / "training" / "sagemaker.ipynb"
PHOTOS_FOLDER = Path(__file__).parents[4] / "shared" / "abid"
# In a process of its own: the kernel's sockets and the warnings of its libraries are not ours to judge.
EXECUTE = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], 4)
nbclient.NotebookClient(notebook, timeout=900, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[1])
"""


def values(work: Path) -> str:
    """Another cell of parameters: real photos where there are some, else synthetic bins."""
    source = str(PHOTOS_FOLDER) if PHOTOS_FOLDER.is_dir() else None
    return f"""SOURCE, PHOTOS = {source!r}, 100
STAGES, WEIGHTS, TRIALS, TRIAL_STAGES = "2x32", "none", 2, "1x32"
WORK, MODE = {str(work)!r}, "local"
ROLE, OUTPUT = "arn:aws:iam::111122223333:role/bintally-training", "s3://my-bucket/bintally"
IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/bintally:1"
"""


def names_in(source: str) -> set[str]:
    left = [line.split("=")[0] for line in source.splitlines() if "=" in line]
    return {name.strip() for names in left for name in names.split(",")}


def test_it_runs_top_to_bottom(tmp_path: Path) -> None:
    pytest.importorskip("sagemaker.train", reason="the extra `sagemaker` is not installed")
    notebook = nbformat.read(NOTEBOOK, 4)
    (parameters,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    assert names_in(values(tmp_path)) == names_in(parameters.source)
    parameters.source = values(tmp_path / "work")
    copy = tmp_path / "copy.ipynb"
    nbformat.write(notebook, copy)

    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, copy],
        cwd=NOTEBOOK.parent,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    outputs = [output for cell in nbformat.read(copy, 4).cells for output in cell.get("outputs", [])]
    text = "".join(output.get("text", "") for output in outputs)
    assert [f'"operation": "Create{job}"' in text for job in ("ProcessingJob", "TrainingJob", "ModelPackage")] == [
        True
    ] * 3
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3


def test_it_is_kept_without_outputs() -> None:
    cells = nbformat.read(NOTEBOOK, 4).cells

    assert all(cell.get("outputs", []) == [] and cell.get("execution_count") is None for cell in cells)
