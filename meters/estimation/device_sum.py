"""E10 Load from devices: the sum of UPS, PDU or feeders below the meter of a tenant.

``load = sum of devices / (1 - loss)``; the loss lies between the meter and the devices.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from meters.estimation._base import (
    Estimate,
    EstimationContext,
    device_sum,
    estimators,
    made,
    text_of,
    texts,
)
from poweroptix.kernel.quality import Method
from poweroptix.kernel.series import Series

_GENERATION = frozenset({"SOLAR", "WIND", "BATTERY"})


@dataclass(frozen=True)
class DeviceSumParameters:
    """Nothing to set: the devices come with the evidence."""


@estimators.register("device_sum@1")
class DeviceSum:
    """Sum of the devices behind a load meter, all of them good all over the gap."""

    title = "Sum of devices"
    method = Method.PLANT_MODEL
    Parameters = DeviceSumParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the estimate; None when a device is not good, or for generation."""
        evidence = context.evidence
        if (
            context.facts.get("technology") in _GENERATION
            or not 0 <= evidence.device_loss_pct < 100
        ):
            return None
        kept = 1 - Fraction(evidence.device_loss_pct) / 100
        sums = [device_sum(series, index, context) for index in range(gap.start, gap.stop)]
        numbers = [each / kept for each in sums if each is not None]
        if len(numbers) < len(sums) or any(number < 0 for number in numbers):
            return None
        inputs = {
            "loss_pct": text_of(evidence.device_loss_pct),
            "devices": [
                {"name": device.name, "values": texts(device.series, gap)}
                for device in evidence.devices
            ],
        }
        return made(
            series, gap, "device_sum@1", Method.PLANT_MODEL, "sum of devices / (1 - loss)",
            numbers, inputs=inputs, used=tuple(device.name for device in evidence.devices),
        )  # fmt: skip
