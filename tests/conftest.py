"""Fixtures of the whole suite."""

from tests.poweroptix.doctor import plugin as doctor_plugin
from tests.poweroptix.doctor.plugin import _doctor, _flush_of_protected_tables  # noqa: F401


def pytest_configure(config):
    """Declare markers."""
    doctor_plugin.register(config)
