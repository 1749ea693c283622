"""Order files in the orders bucket, reports on their import in the jobs bucket, and the queue of order files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from bintally.adapters.errors import store_errors
from bintally.domain.catalogue import lacks_volume
from bintally.domain.objects import StoredObject
from bintally.domain.order_rows import MAX_BYTES, too_large
from bintally.domain.orders import OrderFile, Progress, ReceivedFile

MODE = "bintally-mode"  # user metadata of an order file; S3 shows it as x-amz-meta-bintally-mode
REPLACE, ADD = "replace", "add"


def reports_prefix(key: str) -> str:
    """Where the reports on all versions of the order file `key` are. A hash, so that no key can lead elsewhere."""
    return f"orders/reports/{hashlib.sha256(key.encode()).hexdigest()}/"


def report_key(key: str, version: str) -> str:
    """Where the report on one version of an order file is. `version` is its version id, or else its sequencer."""
    return f"{reports_prefix(key)}{hashlib.sha256(version.encode()).hexdigest()[:32]}.json"


class OrderFiles:
    """Reads order files."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def read(self, source: StoredObject) -> ReceivedFile:
        """This version of the file. It has a fault if it is too large to be read, or if its mode is unknown."""
        version = {"VersionId": source.version_id} if source.version_id else {}
        with store_errors(f"Reading s3://{source.bucket}/{source.key}"):
            response = self._s3.get_object(Bucket=source.bucket, Key=source.key, **version)
            mode = response.get("Metadata", {}).get(MODE, REPLACE).strip().lower()
            if response["ContentLength"] > MAX_BYTES:
                return ReceivedFile(b"", fault=too_large(response["ContentLength"]))
            if mode not in (REPLACE, ADD):
                return ReceivedFile(b"", fault=f"The metadata {MODE} is {mode[:60]!r}; it can be {REPLACE} or {ADD}.")
            return ReceivedFile(bytes(response["Body"].read()), mode == ADD)


class ImportReports:
    """Reads and writes import reports."""

    def __init__(self, s3: Any, *, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def progress(self, source: StoredObject) -> Progress | None:
        key = _report_key(source)
        with store_errors(f"Reading s3://{self._bucket}/{key}"):
            try:
                body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except self._s3.exceptions.NoSuchKey:
                return None
        return _progress_in(body)

    def write(self, source: StoredObject, file: OrderFile, adds: bool, progress: Progress) -> str:
        key = _report_key(source)
        with store_errors(f"Writing s3://{self._bucket}/{key}"):
            body = json.dumps(_report(source, file, adds, progress), ensure_ascii=False, indent=2).encode()
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        return f"s3://{self._bucket}/{key}"


def _progress_in(body: bytes) -> Progress | None:
    """How far an import is, by its report; None where that can't be read, so that the import begins again."""
    try:
        report = json.loads(body)
        names = ("fingerprint", "written", "checked", "withdrawn")
        return Progress(**{name: report[name] for name in names}, is_done=report["state"] == "done")
    except (KeyError, TypeError, ValueError):
        return None


def _report_key(source: StoredObject) -> str:
    return report_key(source.key, source.version_id or source.sequencer)


def _report(source: StoredObject, file: OrderFile, adds: bool, progress: Progress) -> dict[str, Any]:
    """The report. Refused rows and changed ids are listed once the import is done."""
    facts = {"key": source.key, "version_id": source.version_id, "sequencer": source.sequencer}
    facts |= {"state": "done" if progress.is_done else "importing", "mode": ADD if adds else REPLACE}
    counts = {
        "accepted": len(file.lines),
        "written": progress.written,
        "consignments": len(file.consignments),
        "checked": progress.checked,
        "withdrawn": progress.withdrawn,
        "refused_rows": file.refused_rows,
        "changed_ids": file.changed_ids,
        "without_volume": sum(map(lacks_volume, file.lines)),
    }
    listed: dict[str, Any] = {"refused": [], "changed": []}
    if progress.is_done:
        listed = {name: [asdict(row) for row in getattr(file, name)] for name in listed}
    return {**facts, "fingerprint": progress.fingerprint, **counts, **listed}


class OrderQueue:
    """The queue of notifications about order files."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def send(self, body: str) -> None:
        with store_errors(f"Sending to {self._url}"):
            self._sqs.send_message(QueueUrl=self._url, MessageBody=body)
