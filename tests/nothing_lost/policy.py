"""What the operator of the simulation decides: the defaults of the template, with small manifests."""

from __future__ import annotations

from datetime import timedelta

from bintally.domain.policy import InferenceMode, Policy

POLICY = Policy(
    mode=InferenceMode.ASYNC,
    batch_threshold=200,
    micro_batch=20,
    max_attempts=3,
    sweep_after=timedelta(minutes=3),
    job_timeout=timedelta(hours=7),
    retry_delay=timedelta(minutes=1),
    instance_types=("ml.c6i.xlarge", "ml.m5.xlarge"),
)
