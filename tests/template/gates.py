"""cfn-lint, checkov, cfripper and pip-audit on the template and the pinned packages: `python -m tests.template.gates`.

What they find is explained in exceptions.toml, or the exit code is 1.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.template.deployed import ROOT, stack

TOOLS = ROOT / ".venv" / "gates" / "bin"
EXCEPTIONS = Path(__file__).with_name("exceptions.toml")
# Six commercial regions, and one of each of two other partitions.
REGIONS = (
    "ap-northeast-1",
    "ap-southeast-2",
    "eu-central-1",
    "eu-west-1",
    "us-east-1",
    "us-west-2",
    "cn-north-1",
    "us-gov-west-1",
)


@dataclass(frozen=True, order=True)
class Finding:
    tool: str
    rule: str
    resource: str

    def __str__(self) -> str:
        return f"{self.tool}: {self.rule} on {self.resource}"


def explained(text: str) -> set[Finding]:
    """The findings that have a reason in the text of exceptions.toml."""
    return {
        Finding(tool, entry["rule"], resource)
        for tool, entries in tomllib.loads(text).items()
        for entry in entries
        if entry["reason"].strip()
        for resource in entry["resources"]
    }


def complaints(found: Iterable[Finding], kept: set[Finding]) -> list[str]:
    """What is found and not explained, and what is explained and no longer found."""
    found = set(found)
    new = [f"{finding}: fix it, or give the reason in {EXCEPTIONS.name}" for finding in sorted(found - kept)]
    return new + [
        f"{finding}: not found any more, remove it from {EXCEPTIONS.name}" for finding in sorted(kept - found)
    ]


def cfn_lint_findings(report: str) -> Iterator[Finding]:
    for match in json.loads(report or "[]"):
        place = match["Location"]["Path"] or []
        yield Finding("cfn-lint", match["Rule"]["Id"], ".".join(map(str, place[1:])) or "the template")


def checkov_findings(report: str) -> Iterator[Finding]:
    for check in json.loads(report)["results"]["failed_checks"]:
        yield Finding("checkov", check["check_id"], check["resource"].rpartition(".")[2])


def cfripper_findings(report: str) -> Iterator[Finding]:
    for failure in json.loads(report)["failures"]:
        yield from (Finding("cfripper", failure["rule"], name) for name in failure["resource_ids"] or ["the template"])


def pip_audit_findings(report: str) -> Iterator[Finding]:
    for package in json.loads(report)["dependencies"]:
        for hole in package.get("vulns", []):
            yield Finding("pip-audit", hole["id"], f"{package['name']} {package['version']}")


def was_audited(report: str) -> bool:
    """Whether pip-audit reached its data for any package at all."""
    return any("vulns" in package for package in json.loads(report)["dependencies"])


def start(tool: str, *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen([TOOLS / tool, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def output_of(run: subprocess.Popen[str], file: Path | None = None) -> str:
    """What a tool reports, in `file` or else on its standard output. Exit codes only say that there are findings."""
    said, complained = run.communicate(timeout=600)
    if file and file.exists():
        return file.read_text()
    if run.returncode and not said.strip():
        raise SystemExit(f"{run.args} failed:\n{complained}")
    return said


def look(folder: Path) -> list[Finding]:
    """All that the tools find. They run beside each other."""
    resolved = folder / "resolved.json"
    resolved.write_text(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": stack().resources}))
    audit = start(
        "pip-audit", "--disable-pip", "--no-deps", "-r", ROOT / "constraints.txt", "-f", "json", "--timeout", "5"
    )
    lint = start("cfn-lint", "-c", "I", "-f", "json", "--regions", *REGIONS, "-t", ROOT / "template.yaml")
    checkov = start(
        "checkov", "-f", resolved, "--framework", "cloudformation", "--skip-download", "--compact", "-o", "json"
    )
    cfripper = start("cfripper", resolved, "--format", "json", "--output-folder", folder)
    ripped = output_of(cfripper, folder / f"{resolved.name}.cfripper.results.json")
    audited = output_of(audit)
    if not was_audited(audited):
        print("pip-audit: skipped, its data can't be reached from here", file=sys.stderr)
    return [
        *cfn_lint_findings(output_of(lint)),
        *checkov_findings(output_of(checkov)),
        *cfripper_findings(ripped),
        *pip_audit_findings(audited),
    ]


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        found = look(Path(folder))
    kept = explained(EXCEPTIONS.read_text())
    wrong = complaints(found, kept)
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"gates: {len(found)} findings, {len(set(found) & kept)} of them explained, in {len(REGIONS)} regions")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
