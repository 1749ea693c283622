"""The JSON shapes of uploads and order files."""

from __future__ import annotations

from pydantic import BaseModel, Field

from bintally.domain.names import MAX_BYTES
from bintally.handlers.desk_api.shapes import Request


class NewFile(Request):
    """A photo to upload. Its key says the bin, such as `P-17-C/photo.jpg`."""

    key: str = Field(min_length=1, max_length=MAX_BYTES)
    size: int = Field(ge=1, le=50_000_000)


class UploadsRequest(Request):
    files: list[NewFile] = Field(min_length=1, max_length=100)


class Upload(BaseModel):
    """PUT the file to `url` with exactly these headers. The answer's header x-amz-version-id names the photo."""

    key: str
    url: str
    method: str = "PUT"
    headers: dict[str, str]


class Uploads(BaseModel):
    uploads: list[Upload]


class UploadedPhoto(Request):
    key: str = Field(min_length=1, max_length=MAX_BYTES)
    version_id: str = Field(min_length=1, max_length=1024)


class PhotoStatusRequest(Request):
    photos: list[UploadedPhoto] = Field(max_length=100)


class PhotoStatus(BaseModel):
    """`status` is that of the ledger, or WAITING for a photo that has not arrived there."""

    key: str
    status: str
    reason: str
    bin_id: str
    image_id: str


class PhotoStatuses(BaseModel):
    photos: list[PhotoStatus]


class OrdersRequest(Request):
    """An order file. With `add`, it withdraws no older line."""

    name: str = Field(min_length=1, max_length=200)
    text: str = Field(max_length=1_000_000)
    add: bool = False


class Order(BaseModel):
    consignment_id: str
    bin_id: str
    expected: int
    due_at: str | None


class RefusedOrder(BaseModel):
    row: int
    message: str


class ImportedOrders(BaseModel):
    """The first lines and errors of an order file; `number` and `refused` count all. `version_id` once imported."""

    lines: list[Order]
    number: int
    errors: list[RefusedOrder]
    refused: int
    imported: bool
    version_id: str | None
