"""The canary's traces in a stack. Every write and removal is bound to its reserved names."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bintally.adapters.consignments import DynamoOrders
from bintally.adapters.dynamo import pages, serialised
from bintally.adapters.errors import store_errors
from bintally.adapters.ledger import DynamoLedger
from bintally.adapters.order_files import ImportReports, reports_prefix
from bintally.domain.canary import CONSIGNMENT, ORDERS_KEY, PHOTOS, PREFIX, is_canary, is_settled
from bintally.domain.image import TERMINAL, Image, LedgerEntry
from bintally.domain.objects import StoredObject
from bintally.domain.verdicts import OrderLine

UNANNOUNCED = timedelta(hours=1)  # after which S3 will not announce an object any more


@dataclass(frozen=True)
class CanaryPlaces:
    """The buckets and tables of a stack."""

    intake_bucket: str
    orders_bucket: str
    jobs_bucket: str
    images_table: str
    bins_table: str
    consignments_table: str


@dataclass(frozen=True)
class _Version:
    """A version of an object, or a delete marker."""

    bucket: str
    key: str
    version_id: str
    modified: datetime
    is_marker: bool = False

    @property
    def image_id(self) -> str:
        return _image_id(self.bucket, self.key, self.version_id)


class AwsCanarySite:
    """`usecases.ports.CanarySite` in S3 and DynamoDB. The buckets keep versions."""

    def __init__(self, s3: Any, dynamodb: Any, places: CanaryPlaces) -> None:
        self._s3 = s3
        self._dynamodb = dynamodb
        self._places = places
        self._ledger = DynamoLedger(dynamodb, places.images_table)
        self._orders = DynamoOrders(dynamodb, places.consignments_table)
        self._reports = ImportReports(s3, bucket=places.jobs_bucket)

    def upload_orders(self, data: bytes) -> str:
        return self._put(self._places.orders_bucket, ORDERS_KEY, data)

    def is_imported(self, version: str) -> bool:
        source = StoredObject(self._places.orders_bucket, ORDERS_KEY, version, "", "")
        progress = self._reports.progress(source)
        return progress is not None and progress.is_done

    def upload(self, key: str, data: bytes) -> str:
        if not is_canary(key):
            raise ValueError(f"{key!r} is not reserved for the canary")
        bucket = self._places.intake_bucket
        return _image_id(bucket, key, self._put(bucket, key, data))

    def entries(self, image_ids: Collection[str]) -> dict[str, LedgerEntry]:
        return self._ledger.read(image_ids)

    def lines(self) -> list[OrderLine]:
        return self._orders.of_consignment(CONSIGNMENT)

    def remove(self, now: datetime) -> int:
        """In an order that an audit at the same time can't take for a loss: objects, ledger, bins."""
        unimported = self._remove_orders(now)
        versions = list(self._versions(self._places.intake_bucket, PREFIX))
        entries = self._ledger.read({each.image_id for each in versions} | set(self._registered()))
        unsettled = {image_id for image_id, entry in entries.items() if not is_settled(entry)}
        for each in versions:
            if each.image_id not in entries and not each.is_marker and each.modified > now - UNANNOUNCED:
                unsettled.add(each.image_id)
            elif each.image_id not in unsettled:
                self._delete_version(each)
        for entry in entries.values():
            if is_settled(entry):
                self._delete_entry(entry)
        if not unsettled:
            for photo in PHOTOS:
                self._delete(self._places.bins_table, {"bin_id": photo.bin_id}, "begins_with(#key, :prefix)", {})
        return unimported + len(unsettled)

    def _remove_orders(self, now: datetime) -> int:
        """Remove order lines, and files with their reports; how many files stay because they may yet be imported."""
        left = 0
        for each in self._versions(self._places.orders_bucket, ORDERS_KEY):
            if each.is_marker or each.modified <= now - UNANNOUNCED or self.is_imported(each.version_id):
                self._delete_version(each)
            else:
                left += 1
        for line in self.lines():
            self._delete(
                self._places.consignments_table,
                {"consignment_id": CONSIGNMENT, "bin_id": line.bin_id},
                "attribute_exists(consignment_id)",
                {},
            )
        if not left:
            for each in self._versions(self._places.jobs_bucket, reports_prefix(ORDERS_KEY)):
                self._delete_version(each)
        return left

    def _registered(self) -> Iterator[str]:
        """Ids of the canary's photos in the ledger, also of those whose object is gone."""
        for photo in PHOTOS:
            found = pages(
                self._dynamodb,
                "query",
                TableName=self._places.images_table,
                IndexName="ByBin",
                KeyConditionExpression="bin_id = :bin_id",
                ExpressionAttributeValues={":bin_id": {"S": photo.bin_id}},
            )
            yield from (item["image_id"] for item in found)

    def _delete_entry(self, entry: LedgerEntry) -> None:
        ends = {f":end{number}": {"S": status.value} for number, status in enumerate(sorted(TERMINAL))}
        condition = f"begins_with(#key, :prefix) AND #status IN ({', '.join(ends)})"
        self._delete(self._places.images_table, {"image_id": entry.image.image_id}, condition, ends)

    def _delete(self, table: str, key: dict[str, object], condition: str, values: dict[str, Any]) -> None:
        """Delete an item if the condition holds, in which `:prefix` is the canary's."""
        with store_errors(f"Removing the canary from {table}"):
            try:
                self._dynamodb.delete_item(
                    TableName=table,
                    Key=serialised(key),
                    ConditionExpression=condition,
                    **_parameters(condition, values),
                )
            except self._dynamodb.exceptions.ConditionalCheckFailedException:
                return  # it is gone, or in progress again

    def _put(self, bucket: str, key: str, data: bytes) -> str:
        with store_errors(f"Uploading s3://{bucket}/{key}"):
            return str(self._s3.put_object(Bucket=bucket, Key=key, Body=data)["VersionId"])

    def _versions(self, bucket: str, prefix: str) -> Iterator[_Version]:
        with store_errors(f"Listing s3://{bucket}/{prefix}"):
            for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
                for kind in ("Versions", "DeleteMarkers"):
                    for each in page.get(kind, []):
                        facts = each["Key"], each["VersionId"], each["LastModified"], kind == "DeleteMarkers"
                        yield _Version(bucket, *facts)

    def _delete_version(self, version: _Version) -> None:
        with store_errors(f"Removing s3://{version.bucket}/{version.key}"):
            self._s3.delete_object(Bucket=version.bucket, Key=version.key, VersionId=version.version_id)


def _image_id(bucket: str, key: str, version_id: str) -> str:
    return Image(bucket, key, version_id, "", "", "").image_id


def _parameters(condition: str, values: dict[str, Any]) -> dict[str, Any]:
    """The names and values that a condition uses; DynamoDB refuses any others, and empty ones."""
    names = {f"#{name}": name for name in ("key", "status") if f"#{name}" in condition}
    values = values | ({":prefix": {"S": PREFIX}} if ":prefix" in condition else {})
    found = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
    return {name: value for name, value in found.items() if value}
