"""Zips and uploads the functions' code as `sam package` does, but without dependencies.

MiniStack's Lambda workers run in this Python environment and find the dependencies there.
"""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

EPOCH = (1980, 1, 1, 0, 0, 0)


def package_code(template: Mapping[str, Any], root: Path, upload: Callable[[str, bytes], Any]) -> dict[str, Any]:
    """A copy of the template with each CodeUri (a folder below `root`) replaced by `upload(name, archive)`."""
    packaged = deepcopy(dict(template))
    uploaded: dict[str, Any] = {}
    for holder in _code_holders(packaged):
        folder = holder["CodeUri"]
        if folder not in uploaded:
            archive = zip_folder(root / folder)
            uploaded[folder] = upload(f"{hashlib.sha256(archive).hexdigest()}.zip", archive)
        holder["CodeUri"] = uploaded[folder]
    return packaged


def _code_holders(template: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    functions = [r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::Serverless::Function"]
    for properties in [template.get("Globals", {}).get("Function", {}), *functions]:
        if isinstance(properties.get("CodeUri"), str):
            yield properties


def zip_folder(folder: Path) -> bytes:
    """A ZIP archive of the folder. Equal files give equal bytes, whatever their timestamps."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.writestr(zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH), path.read_bytes())
    return buffer.getvalue()
