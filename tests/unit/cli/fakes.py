"""A deployed stack in memory: S3, DynamoDB, and a system that counts what is uploaded."""

import hashlib
import io
from collections.abc import Callable
from types import SimpleNamespace

from bincli.deployment import Deployment
from bintally.adapters.dynamo import serialised
from bintally.adapters.order_files import ImportReports
from bintally.domain.bins import bin_id_of
from bintally.domain.objects import StoredObject
from bintally.domain.orders import Progress, parse_orders

PAGE = 2
OUTPUTS = {
    name: name.lower()
    for name in ("IntakeBucket", "OrdersBucket", "JobsBucket", "ImagesTable", "BinsTable", "ConsignmentsTable")
}


class NoSuchKey(Exception):  # noqa: N818, the name that botocore gives it
    pass


class FakeS3:
    """Buckets that keep versions; `on_upload` gets every object."""

    class exceptions:  # noqa: N801, the name that botocore gives it
        NoSuchKey = NoSuchKey

    def __init__(self, on_upload: Callable[[str, str, bytes, str], None] = lambda *put: None) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.uploads: list[tuple[str, str]] = []
        self.on_upload = on_upload
        self.metadata: dict[tuple[str, str], dict[str, str]] = {}

    def put_object(self, **request):
        body = request["Body"] if isinstance(request["Body"], bytes) else request["Body"].read()
        bucket, key = request["Bucket"], request["Key"]
        version = f"v{len(self.uploads)}"
        self.objects[bucket, key] = body
        self.uploads.append((bucket, key))
        self.metadata[bucket, key] = request.get("Metadata", {})
        self.on_upload(bucket, key, body, version)
        return {"VersionId": version}

    def get_object(self, **request):
        try:
            return {"Body": io.BytesIO(self.objects[request["Bucket"], request["Key"]])}
        except KeyError:
            raise NoSuchKey from None


class FakeDynamo:
    """Tables as lists of plain items. Scans and queries come in pages of two."""

    def __init__(self, **tables):
        self.tables = {table: list(items) for table, items in tables.items()}
        self.before_scan = lambda: None

    def get_paginator(self, operation):
        return _Paginator(self, operation)

    def batch_get_item(self, RequestItems):  # noqa: N803
        answers = {}
        for table, request in RequestItems.items():
            items = [serialised(item) for item in self.tables[table]]
            answers[table] = [
                item for item in items if any(wanted.items() <= item.items() for wanted in request["Keys"])
            ]
        return {"Responses": answers}


class _Paginator:
    def __init__(self, dynamo, operation):
        self.dynamo = dynamo
        self.operation = operation

    def paginate(self, **request):
        self.dynamo.before_scan()
        items = [serialised(item) for item in self.dynamo.tables[request["TableName"]]]
        if self.operation == "query":
            name = request["ExpressionAttributeNames"]["#name"]
            items = [item for item in items if item[name] == request["ExpressionAttributeValues"][":value"]]
        for start in range(0, len(items), PAGE):
            yield {"Items": items[start : start + PAGE]}


class FakeSystem:
    """Imports orders at once, and finishes one image with each scan of a table. A key with `lost` never finishes."""

    def __init__(self, counts):
        self.counts = counts
        self.dynamo = FakeDynamo(imagestable=[], binstable=[], consignmentstable=[])
        self.dynamo.before_scan = self.finish_one
        self.s3 = FakeS3(self.took)
        self.deployment = Deployment("fake", OUTPUTS, {"s3": self.s3, "dynamodb": self.dynamo}.__getitem__)

    def took(self, bucket, key, body, version):
        if bucket == OUTPUTS["OrdersBucket"]:
            self.import_orders(key, body, version)
        elif bucket == OUTPUTS["IntakeBucket"]:
            image_id = hashlib.sha256(key.encode()).hexdigest()
            entry = {"image_id": image_id, "key": key, "version_id": version, "bin_id": bin_id_of(key)}
            self.dynamo.tables["imagestable"].append(entry | {"status": "SUBMITTED"})

    def import_orders(self, key, body, version, finished=True):
        file = parse_orders(body)
        for line in file.lines:
            item = {"consignment_id": line.consignment_id, "bin_id": line.bin_id, "expected": line.expected}
            item |= {"order_version": version, "verdict": "PENDING", "reason": "Not counted yet."}
            self.dynamo.tables["consignmentstable"].append(item)
        source = StoredObject(OUTPUTS["OrdersBucket"], key, version, "00", "")
        stub = SimpleNamespace(
            put_object=lambda **put: self.s3.objects.update({(put["Bucket"], put["Key"]): put["Body"]})
        )
        reports = ImportReports(stub, bucket=OUTPUTS["JobsBucket"])
        for done in (False, True) if finished else (False,):
            reports.write(source, file, False, Progress("f", len(file.lines) // 2, 0, 0, is_done=done))

    def finish_one(self):
        waiting = [one for one in self.dynamo.tables["imagestable"] if one["status"] == "SUBMITTED"]
        for entry in [one for one in waiting if "lost" not in one["key"]][:1]:
            count = self.counts.get(entry["key"])
            if count is None:
                entry |= {"status": "REJECTED", "reason": "The image is damaged."}
            else:
                entry |= {"status": "COUNTED", "count": count, "confidence": 0.9, "probabilities": {str(count): 0.9}}
            self.judge(entry["bin_id"], count)

    def judge(self, bin_id, count):
        for line in self.dynamo.tables["consignmentstable"]:
            if line["bin_id"] == bin_id:
                difference = 0 if count is None else count - line["expected"]
                verdict = (
                    "UNREADABLE" if count is None else "SHORT" if difference < 0 else "OVER" if difference else "MATCH"
                )
                line |= {"verdict": verdict, "counted": count}
