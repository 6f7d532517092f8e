"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# how long an example takes depends on who else is on the machine
settings.register_profile("holdfast", deadline=None)
settings.load_profile("holdfast")
