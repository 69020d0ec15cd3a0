"""What holds of all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No test asserts a time: machines are shared, and an example that takes long is no fault.
settings.register_profile(
    "shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared-machine")
