"""Data and decisions. Standard library only, no input or output."""
