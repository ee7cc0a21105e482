"""The campus as a fixture: built once per package of tests, taken back at its end."""

import pytest
from django.db import transaction

from tests.factories.campus import CampusWorld, build_campus


@pytest.fixture(scope="package")
def world(django_db_setup, django_db_blocker, tmp_path_factory) -> CampusWorld:
    """Return a settled and issued month; everything is rolled back after the tests of the package.

    Each test still runs in a transaction of its own inside this one.
    """
    from django.test import override_settings

    with (
        django_db_blocker.unblock(),
        override_settings(MEDIA_ROOT=str(tmp_path_factory.mktemp("media"))),
        transaction.atomic(),
    ):
        yield build_campus()
        transaction.set_rollback(True)
