"""The errors that bintally raises, and what follows from each.

BintallyError
├── InvalidEventError       the message is not for this stack: it ends in the dead-letter queue
│   └── FormerModelError    the transform job used an earlier ModelVersion: ignored, the sweep collects the job
├── UnknownJobError         a result names a job that does not exist: dead-letter queue
├── EngineUnavailableError  SageMaker did not accept the job: the next scheduled submit retries it
│   └── QuotaExceededError  a quota of the account is used up: the job waits and uses up no attempt
├── DecisionError           a person's decision can't be stored as it is: the command and the desk say why
│   ├── NotFoundError       it is about a bin, a photo or a decision that does not exist
│   ├── ConflictError       its id is that of another decision
│   └── ChangedError        the bin is not as the person saw it
├── CancellationError       lines can't be cancelled as asked: the command says why
├── StoreError              a table, bucket or event bus refused a request: the message is delivered again
└── SettingError            an environment variable is missing or invalid: the whole function fails
"""

from __future__ import annotations

from pathlib import Path


class BintallyError(Exception):
    """Base class of all errors that bintally raises."""


class InvalidEventError(BintallyError):
    """The message has an unknown format, or names a bucket, topic or object that does not belong to this stack."""


class FormerModelError(InvalidEventError):
    """The event is about a transform job of a model that this stack used before its last deployment."""


class UnknownJobError(BintallyError):
    """The result is for a job that is not in the jobs table."""


class EngineUnavailableError(BintallyError):
    """The inference engine did not accept the job. It may accept it later."""


class QuotaExceededError(EngineUnavailableError):
    """A quota of the account is used up, such as the number of instances of a type for transform jobs."""


class DecisionError(BintallyError):
    """A decision that is not valid, is about an unknown photo, or has the id of another one."""


class NotFoundError(DecisionError):
    """There is no such bin, photo or decision."""


class ConflictError(DecisionError):
    """Another decision about the bin has this id."""


class ChangedError(DecisionError):
    """The bin has changed since the person saw it: a newer photo was counted, or somebody decided about it."""


class CancellationError(BintallyError):
    """A cancellation that is not valid, or about an unknown order line."""


class StoreError(BintallyError):
    """A table, bucket or event bus refused a request."""


class SettingError(BintallyError):
    """An environment variable is missing or invalid. Every job and message would fail, so the whole function fails."""


def describe_error(error: Exception) -> str:
    """Text for people: the message of a BintallyError; for other errors also the type and where it was raised."""
    if isinstance(error, BintallyError):
        return str(error)
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f" ({Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})" if trace else ""
    return f"{type(error).__name__}: {error}{where}"
