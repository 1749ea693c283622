"""Ids of bins and consignments in one form, however a person or a system wrote them."""

from __future__ import annotations

import re
import unicodedata

MOST_CHARACTERS = 128  # of a consignment id: at most 512 bytes, a quarter of what a partition key may have
MOST_BYTES = 1024  # of a bin id: what a sort key may have
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # and the separators of lines and paragraphs
HALF = re.compile(r"[\ud800-\udfff]")  # of a character outside the basic plane; JSON can write that


def normalised(text: str) -> str:
    """`text` without white space around it, in Unicode's form NFC: macOS writes names in NFD, most else in NFC."""
    return unicodedata.normalize("NFC", text).strip()


def fault_of_consignment_id(text: str) -> str:
    """What is wrong with a normalised consignment id, as the end of a sentence; "" for nothing."""
    if not 0 < len(text) <= MOST_CHARACTERS:
        return f"has to have 1 to {MOST_CHARACTERS} characters"
    if HALF.search(text):
        return "holds half a character (a lone surrogate)"
    return "holds a control character" if CONTROL.search(text) else ""


def fault_of_bin_id(text: str) -> str:
    """What is wrong with a normalised bin id, as the end of a sentence; "" for nothing."""
    if HALF.search(text):
        return "holds half a character (a lone surrogate)"
    return "" if 0 < len(text.encode()) <= MOST_BYTES else f"has to be 1 to {MOST_BYTES:,} bytes"
