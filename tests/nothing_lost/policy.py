"""The policy of the simulation: that of the use case tests with small manifests, and room for the requests of T4."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.functions.usecases import runs

POLICY = replace(runs.POLICY, batch_threshold=200, micro_batch=20, max_requests=500)
