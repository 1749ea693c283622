"""The errors of bintally, each with its consequence.

BintallyError
├── InvalidEventError       the message is not one of ours: it ends in the dead-letter queue
├── UnknownJobError         a result names a job that does not exist: dead-letter queue
├── EngineUnavailableError  SageMaker did not accept the job: the next scheduled submit tries again
│   └── NoCapacityError     it has no instances for the job: tried again later, and with another instance type
├── StoreError              a table, bucket or bus refused a request: the message is delivered again
└── SettingError            an environment variable is missing or invalid: the whole function fails
"""

from __future__ import annotations

from pathlib import Path


class BintallyError(Exception):
    """Any failure that bintally itself names."""


class InvalidEventError(BintallyError):
    """The message has an unknown format, or names a bucket, topic or object that is not ours."""


class UnknownJobError(BintallyError):
    """A result names a job that is not in the jobs table."""


class EngineUnavailableError(BintallyError):
    """The inference engine did not accept the job now; it may accept it later."""


class NoCapacityError(EngineUnavailableError):
    """The account has no instances of the requested type left."""


class StoreError(BintallyError):
    """A table, bucket or event bus refused a request that should have worked."""


class SettingError(BintallyError):
    """An environment variable is missing or invalid. It would fail every job and message, so the function fails."""


def describe_error(error: Exception) -> str:
    """What happened, for a person: the message of our own errors, and with others the type and where it was raised."""
    if isinstance(error, BintallyError):
        return str(error)
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f" ({Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})" if trace else ""
    return f"{type(error).__name__}: {error}{where}"
