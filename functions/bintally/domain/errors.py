"""The errors of bintally, each with its consequence.

BintallyError
├── InvalidEventError       the message is not one of ours: it goes to the dead letters as it is
├── UnknownJobError         a result names a job that nobody opened: dead letters
├── EngineUnavailableError  SageMaker did not take the job now: the scheduled submit tries again
│   └── NoCapacityError     it has no instances for it: tried again later, and on another type
└── StoreError              a table, bucket or bus refused: the message is delivered again
"""

from __future__ import annotations

from pathlib import Path


class BintallyError(Exception):
    """Any failure that bintally itself names."""


class InvalidEventError(BintallyError):
    """The message is not of a known form, or names a bucket, topic or object that is not ours."""


class UnknownJobError(BintallyError):
    """A result names a job that is not in the jobs table."""


class EngineUnavailableError(BintallyError):
    """The inference engine refused the job; it may take it later."""


class NoCapacityError(EngineUnavailableError):
    """The account has no instances left of the type that was asked for."""


class StoreError(BintallyError):
    """A table, bucket or event bus refused a request that should have worked."""


def words_of(error: Exception) -> str:
    """What happened, for a person: the message of our own errors; of any other its type and where it was raised too."""
    if isinstance(error, BintallyError):
        return str(error)
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f" ({Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})" if trace else ""
    return f"{type(error).__name__}: {error}{where}"
