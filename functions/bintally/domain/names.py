"""Ids of bins and consignments: normalisation and limits."""

from __future__ import annotations

import re
import unicodedata

MAX_CHARACTERS = 128  # of a consignment id and of a SKU. That is at most 512 bytes, and a partition key may have 2,048
MAX_BYTES = 1024  # of a bin id, the limit of a sort key
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # with Unicode's line and paragraph separators
LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")  # JSON can escape one


def normalised(text: str) -> str:
    """`text` stripped of white space and in Unicode form NFC. macOS writes names in NFD, most other systems in NFC."""
    return unicodedata.normalize("NFC", text).strip()


def fault_of_consignment_id(text: str) -> str:
    """What is wrong with a normalised consignment id, as the end of a sentence, or "" if it is valid."""
    if not 0 < len(text) <= MAX_CHARACTERS:
        return f"must have 1 to {MAX_CHARACTERS} characters"
    if LONE_SURROGATE.search(text):
        return "contains a lone surrogate (half a character)"
    return "contains a control character" if CONTROL.search(text) else ""


def fault_of_sku(text: str) -> str:
    """What is wrong with a normalised SKU, as the end of a sentence, or "" if it is valid. The same as consignments."""
    return fault_of_consignment_id(text)


def fault_of_bin_id(text: str) -> str:
    """What is wrong with a normalised bin id, as the end of a sentence, or "" if it is valid."""
    if LONE_SURROGATE.search(text):
        return "contains a lone surrogate (half a character)"
    return "" if 0 < len(text.encode()) <= MAX_BYTES else f"must have 1 to {MAX_BYTES:,} bytes"
