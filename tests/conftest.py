"""Fixtures of the whole suite."""

from hypothesis import HealthCheck, settings

from tests.poweroptix.doctor import plugin as doctor_plugin
from tests.poweroptix.doctor.plugin import _doctor, _flush_of_protected_tables  # noqa: F401

# How long an example takes is the machine's affair: on a busy one, hypothesis would fail a law for
# drawing slowly. What fails prints how to run it again.
settings.register_profile(
    "house", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")


def pytest_configure(config):
    """Declare markers."""
    doctor_plugin.register(config)
