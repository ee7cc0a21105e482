"""What a migration does to rows that stand, and what it refuses to decide."""

from importlib import import_module
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from poweroptix.kernel.errors import Refused


def standing(*codes):
    """Apps whose only pools are these, all of the campus CHI."""
    pools = [SimpleNamespace(code=code, campus=SimpleNamespace(code="CHI")) for code in codes]
    apps = MagicMock()
    apps.get_model.return_value.objects.filter.return_value.select_related.return_value = pools
    return apps


def test_a_pool_of_cost_is_left_to_its_owner_to_move():
    migration = import_module("settlement.migrations.0012_pools_share_energy")
    migration.refuse_costs(standing(), None)
    with pytest.raises(Refused, match="The pools CHI/gas, CHI/guard are of the kind COST, which"):
        migration.refuse_costs(standing("gas", "guard"), None)
