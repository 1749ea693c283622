"""`model.tar.gz` as SageMaker takes it: the artifact, and the code that serves it in `code/`.

Layout: https://docs.aws.amazon.com/sagemaker/latest/dg/adapt-inference-container.html. The same files give the same
bytes, so an upload that changes nothing can be told by its hash.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

from binmodel.artifact import DESCRIPTION, load_artifact

CODE = Path(__file__).parents[3] / "model_code"
BESIDE = ("LICENSE", "MODEL_CARD.md")
SERVING = ("inference.py", "serve.py", "requirements.txt")


def contents(artifact: Path, code: Path = CODE) -> dict[str, Path]:
    """From each name in the bundle to its file. Raises ArtifactError where `artifact` holds no model."""
    weights = sorted(load_artifact(artifact).weights)
    files = {name: artifact / name for name in (DESCRIPTION, *weights, *BESIDE) if (artifact / name).exists()}
    files |= {f"code/{name}": code / name for name in SERVING}
    return files | {f"code/binmodel/{path.name}": path for path in (code / "binmodel").glob("*.py")}


def write_bundle(artifact: Path, out: Path, code: Path = CODE) -> Path:
    """Write the bundle of the artifact folder to `out`, at once; the same files give the same bytes."""
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f".{out.name}.part")
    with (
        unfinished.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, path in sorted(contents(artifact, code).items()):
            content = path.read_bytes()
            entry = tarfile.TarInfo(name)  # neither owner nor time: those differ from machine to machine
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return unfinished.replace(out)
