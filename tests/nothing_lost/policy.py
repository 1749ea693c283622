"""What the operator of the simulation decides: what the use cases are tested with, and small manifests."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.functions.usecases import runs

POLICY = replace(runs.POLICY, batch_threshold=200, micro_batch=20)
