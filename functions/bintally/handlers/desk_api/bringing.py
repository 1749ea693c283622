"""Routes for bringing in photos and orders."""

from __future__ import annotations

from dataclasses import asdict

from aws_lambda_powertools.event_handler.api_gateway import Router

from bintally.domain.bins import bin_id_of
from bintally.domain.canary import PREFIX
from bintally.domain.image import Image, LedgerEntry
from bintally.domain.names import CONTROL
from bintally.domain.orders import parse_orders
from bintally.handlers.desk_api.problems import Problem
from bintally.handlers.desk_api.shapes_bringing import (
    ImportedOrders,
    Order,
    OrdersRequest,
    PhotoStatus,
    PhotoStatuses,
    PhotoStatusRequest,
    RefusedOrder,
    Upload,
    UploadedPhoto,
    Uploads,
    UploadsRequest,
)
from bintally.handlers.settings import settings
from bintally.handlers.wiring import dependencies, find_bin

router = Router()  # type: ignore[no-untyped-call]
SHOWN = 100  # lines and errors of an order file


@router.post("/api/uploads")
def uploads(given: UploadsRequest) -> Uploads:
    """Addresses to which the browser uploads photos."""
    for file in given.files:
        if len(file.key.encode()) > 1024 or file.key.startswith(PREFIX):
            raise Problem(422, "invalid", f"{file.key[:100]!r} is not a name for a photo.")
    signed = [(file.key, *dependencies().uploads.photo(file.key, file.size)) for file in given.files]
    return Uploads(uploads=[Upload(key=key, url=url, headers=headers) for key, url, headers in signed])


@router.post("/api/photos")
def photos(given: PhotoStatusRequest) -> PhotoStatuses:
    """How far uploaded photos are."""
    images = [_image_of(photo) for photo in given.photos]
    entries = dependencies().ledger.read([image.image_id for image in images])
    return PhotoStatuses(photos=[_status_of(image, entries.get(image.image_id)) for image in images])


def _image_of(photo: UploadedPhoto) -> Image:
    """What identifies a photo; the rest is in the ledger."""
    bin_id = bin_id_of(photo.key, find_bin())
    return Image(settings().intake_bucket, photo.key, photo.version_id, "", "", bin_id)


def _status_of(image: Image, entry: LedgerEntry | None) -> PhotoStatus:
    status, reason = (str(entry.status), entry.reason) if entry else ("WAITING", "")
    return PhotoStatus(key=image.key, status=status, reason=reason, bin_id=image.bin_id, image_id=image.image_id)


@router.post("/api/orders")
def orders(given: OrdersRequest, preview: bool = True) -> ImportedOrders:
    """Show what an order file says, or import its good rows."""
    if CONTROL.search(given.name):
        raise Problem(422, "invalid", "The name of the file has control characters.")
    data = given.text.encode()
    file = parse_orders(data, settings().zone)
    imports = not preview
    if imports and not file.consignments:
        raise Problem(422, "invalid", "The file has no row that can be imported.")
    version = dependencies().uploads.orders(f"desk/{given.name}", data, adds=given.add) if imports else None
    return ImportedOrders(
        lines=[Order(**{name: asdict(line)[name] for name in Order.model_fields}) for line in file.lines[:SHOWN]],
        number=len(file.lines),
        errors=[RefusedOrder(row=each.line, message=each.reason) for each in file.refused[:SHOWN]],
        refused=file.refused_rows,
        imported=imports,
        version_id=version,
    )
