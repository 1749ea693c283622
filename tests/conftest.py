from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# No deadline: machines that run tests are often busy. The same examples in every run: what lands stays green.
settings.register_profile(
    "bintally",
    max_examples=100,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
# For `make unit`.
settings.register_profile("quick", parent=settings.get_profile("bintally"), max_examples=20)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "bintally"))
