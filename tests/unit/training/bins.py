"""A small dataset in the public layout, drawn: as many dark boxes in a light bin as the record says."""

from binlab.data.drawn import draw, write_bin

__all__ = ["draw", "write_bin"]
