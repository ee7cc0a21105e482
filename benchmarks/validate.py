"""How many intervals per second the validation rules judge on one core.

Makes one month of 15-minute readings of a campus (tenant loads with their reactive, apparent and
check channels, solar, wind, gas, steam and storage units, auxiliaries, ties), gives each channel
what rules may know beside it, and lets every rule of the registry judge every channel. Counted are
intervals x rules that were judged; a channel of which a rule says that it lacks something counts
as time and not as work. Prints one line per rule, and the default rule set as a whole.

Run: python benchmarks/validate.py [--channels 1000] [--days 31] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from meters.calc.circumstances import (
    Capacity,
    Circumstances,
    ClockCheck,
    Companion,
    PastPeriod,
    Plant,
    RegisterAdvance,
    Relation,
)
from meters.calc.sun import sun_elevation
from meters.validation import ValidationContext, rules
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.fixed import MISSING, from_micro
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.parameters import parse
from poweroptix.kernel.period import day_start
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

ZONE = "America/Chicago"
MINUTES, PER_DAY = 15, 96
GOAL = 2_000_000
STEP = 1000  # readings have three decimals
FAULTY = 20  # one channel in so many has a fault

#: A rule that judges nothing before somebody sets it.
SETTINGS = {"low_limit@1": {"min_kw": "1"}}

Case = tuple[Series, ValidationContext]


@dataclass
class Tally:
    """What one rule did."""

    judged: int = 0
    intervals: int = 0
    seconds: float = 0.0
    findings: int = 0


@dataclass
class Site:
    """Makes the channels of one point after the other."""

    grid: Grid
    random: np.random.Generator
    days: np.ndarray = field(init=False)
    sun: Series = field(init=False)

    def __post_init__(self) -> None:
        local = (self.grid.epoch_minutes() - 360) % 1440  # close enough to local time for a shape
        self.days = local / 1440
        self.sun = sun_elevation(self.grid, Decimal("31.9"), Decimal("-102.3"))

    # -- shapes -----------------------------------------------------------------------------------

    def load(self, kw: float) -> np.ndarray:
        """Return a load in kW: nearly flat, with some noise."""
        swing = 1 + 0.03 * np.sin(2 * np.pi * self.days)
        return kw * swing * self.random.normal(1, 0.004, self.grid.count)

    def sunshine(self) -> np.ndarray:
        """Return irradiance in W/m2."""
        height = np.sin(np.radians(np.clip(self.sun.values / 1e6, 0, 90)))
        return 950 * height * self.random.uniform(0.7, 1.0, self.grid.count)

    def wind(self) -> np.ndarray:
        """Return wind speed in m/s."""
        return 8 + 4 * np.sin(np.cumsum(self.random.normal(0, 0.02, self.grid.count)))

    def series(self, values: np.ndarray, unit: str = "kWh", *, each: float = 0.25) -> Series:
        """Return values per hour as a series in steps of 0.001 of the unit per interval."""
        micro = np.round(np.maximum(values, 0) * each * 1_000_000 / STEP).astype(np.int64) * STEP
        status = np.full(micro.shape, int(Status.VALIDATED), dtype=np.uint8)
        return Series(self.grid, micro, status, unit)

    def hourly(self, values: np.ndarray, unit: str) -> Series:
        """Return sums of values per hour as an hourly series."""
        return self.series(values, unit).to_minutes(60)

    def state(self, values: np.ndarray, unit: str) -> Series:
        """Return a state, which is no energy, as a series."""
        return self.series(values, unit, each=1)

    # -- what is known beside a channel -----------------------------------------------------------

    def context(
        self, series: Series, kw: float, kind: str, *companions: Companion, **more: object
    ) -> ValidationContext:
        """Return a context in which every rule that fits the channel can judge."""
        capacity = Decimal(round(kw * 1.4))
        plant = Plant(
            technology=str(more.get("technology", "")),
            ramp_kw_per_minute=capacity,
            usable_kwh=capacity * 4,
            charge_ratio=Decimal("0.95"),
            discharge_ratio=Decimal("0.95"),
            cut_in_m_per_s=Decimal(3),
            contracted_kw=capacity,
            dc_capacity_kw=capacity * 2,
        )
        return ValidationContext(
            zone=ZONE,
            direction=str(more.get("direction", "DELIVERED")),
            capacity_kw=capacity,
            flags=[(40, 42, "POWER_FAIL", {}), (1, 2, "LOAD_CONTROL", {})],
            facts={"kind": kind, "technology": plant.technology},
            circumstances=Circumstances(
                companions=companions,
                registers=self.registers(series),
                clock_checks=self.clock_checks(),
                capacities=[Capacity(self.grid.start_utc, capacity)],
                plant=plant,
                outages=[(40, 42)],
                raw=series,
                pulse_weight=Decimal(1),
                active=True,
                previous=self.past("the month before", series),
                year_ago=self.past("the year before", series),
            ),
        )

    def registers(self, series: Series) -> list[RegisterAdvance]:
        """Return exact daily reads of a register and its two time-of-use registers."""
        found = []
        for first in range(0, self.grid.count, PER_DAY):
            end = min(first + PER_DAY, self.grid.count)
            part = series.values[first:end]
            energy = from_micro(int(part[part != MISSING].sum()))
            start, stop = self.grid.start_of(first), self.grid.start_of(end)
            night = energy / 2
            for part_energy, bucket in ((energy, ""), (night, "NIGHT"), (energy - night, "DAY")):
                found.append(
                    RegisterAdvance(
                        start, stop, part_energy, Decimal("0.01"), bucket=bucket, decimals=(2, 2)
                    )
                )
        return found

    def clock_checks(self) -> list[ClockCheck]:
        """Return a good check of the clock per day."""
        day = timedelta(days=1)
        count = self.grid.count // PER_DAY
        return [ClockCheck(self.grid.start_utc + n * day, Decimal(n % 5)) for n in range(count)]

    def past(self, name: str, series: Series) -> PastPeriod:
        """Return a period like the judged one."""
        present = series.values[series.values != MISSING]
        peak = from_micro(int(present.max())) if present.size else Decimal(1)
        hours = Decimal(self.grid.count * MINUTES) / 60
        return PastPeriod(name, series.total_present(), peak, hours, Decimal(1))

    # -- points -----------------------------------------------------------------------------------

    def tenant(self) -> Iterator[Case]:
        """Yield energy, reactive and apparent energy, and the check meter, of a tenant."""
        kw = self.random.uniform(5_000, 90_000)
        power = self.load(kw)
        active, reactive = self.series(power), self.series(power * 0.2, "kVArh")
        apparent = self.series(power * np.hypot(1, 0.2), "kVAh")
        check, scada = self.series(power * 1.0005), self.state(power * 1.001, "kW")
        beside = [
            Companion(Relation.ACTIVE, "ACTIVE", active),
            Companion(Relation.REACTIVE, "REACTIVE", reactive),
            Companion(Relation.APPARENT, "APPARENT", apparent),
            Companion(Relation.CHECK, "CHECK", check),
            Companion(Relation.SCADA, "SCADA", scada),
        ]
        for series, without in ((active, "ACTIVE"), (reactive, "REACTIVE"), (apparent, "APPARENT")):
            others = [each for each in beside if each.code != without]
            if series is not active:
                others = [each for each in others if each.code not in ("CHECK", "SCADA")]
            yield series, self.context(series, kw, "TENANT_LOAD", *others)
        yield check, self.context(check, kw, "CHECK")

    def solar(self) -> Iterator[Case]:
        """Yield a solar plant."""
        kw, light = 80_000, self.sunshine()
        series = self.series(light / 1000 * kw)
        yield (
            series,
            self.context(
                series,
                kw,
                "GENERATOR",
                Companion(Relation.SUN_ELEVATION, "SUN", self.sun),
                Companion(Relation.IRRADIANCE, "LIGHT", self.state(light, "W/m2")),
                Companion(
                    Relation.RUNNING, "BREAKER", self.state(np.ones(self.grid.count), "count")
                ),
                technology="SOLAR",
            ),
        )

    def wind_farm(self) -> Iterator[Case]:
        """Yield a wind plant."""
        kw, speed = 60_000, self.wind()
        series = self.series(kw * np.clip((speed - 3) / 9, 0, 1) ** 3 + 1)
        yield (
            series,
            self.context(
                series,
                kw,
                "GENERATOR",
                Companion(Relation.WIND_SPEED, "WIND", self.state(speed, "m/s")),
                Companion(
                    Relation.RUNNING, "TURBINES", self.state(np.ones(self.grid.count), "count")
                ),
                technology="WIND",
            ),
        )

    def thermal(self, technology: str) -> Iterator[Case]:
        """Yield a unit that burns fuel, and its auxiliaries."""
        kw = 50_000
        power = self.load(kw)
        series, aux = self.series(power), self.series(power * 0.03)
        running = Companion(
            Relation.RUNNING, "BREAKER", self.state(np.ones(self.grid.count), "count")
        )
        own = Companion(Relation.AUXILIARY, "AUX", aux)
        fuel = Companion(Relation.FUEL, "FUEL", self.hourly(power * 0.0085, "MMBtu"))
        yield (
            series,
            self.context(series, kw, "GENERATOR", running, own, fuel, technology=technology),
        )
        gross = Companion(Relation.GROSS, "GROSS", series)
        yield aux, self.context(aux, kw, "GENERATOR_AUX", running, gross, technology=technology)

    def storage(self) -> Iterator[Case]:
        """Yield what a store gave and what it took: one cycle a day."""
        kw = 40_000
        out = np.where((self.days > 0.70) & (self.days < 0.85), kw * 0.9, 0)
        taken = np.where((self.days > 0.10) & (self.days < 0.27), kw * 0.9 / 0.9 * 0.98, 0)
        discharge, charge = self.series(out), self.series(taken)
        held = 20 + np.cumsum(taken * 0.95 - out / 0.95) * 0.25 / (round(kw * 1.4) * 4) * 100
        level = self.state(np.concatenate(([20], held[:-1])), "%")
        state = Companion(Relation.STATE_OF_CHARGE, "SOC", level)
        given = Companion(Relation.DISCHARGE, "OUT", discharge)
        put = Companion(Relation.CHARGE, "IN", charge)
        more = {"technology": "BATTERY"}
        yield discharge, self.context(discharge, kw, "STORAGE", state, put, **more)
        yield (
            charge,
            self.context(charge, kw, "STORAGE", state, given, direction="RECEIVED", **more),
        )

    def tie(self) -> Iterator[Case]:
        """Yield the tie to the grid."""
        series = self.series(self.load(20_000))
        yield series, self.context(series, 20_000, "GRID_TIE")

    def cases(self) -> Iterator[Case]:
        """Yield channels of a campus again and again."""
        while True:
            for _ in range(3):
                yield from self.tenant()
            yield from self.solar()
            yield from self.wind_farm()
            yield from self.thermal("GAS_ENGINE")
            yield from self.thermal("SMR")
            yield from self.storage()
            yield from self.tie()


def spoil(case: Case, random: np.random.Generator) -> Case:
    """Return the case with a gap, a spike, a stretch of zeros or a stuck value."""
    series, context = case
    values = series.values.copy()
    at = int(random.integers(0, len(values) - 12))
    span = slice(at, at + 12)
    fault = random.integers(0, 4)
    if fault == 0:
        values[span] = MISSING
    elif fault == 1:
        values[at] *= 5
    else:
        values[span] = 0 if fault == 2 else values[at]
    return Series(series.grid, values, series.status, series.unit), context


def judge(case: Case, tallies: dict[str, Tally], defaults: dict[str, object]) -> None:
    """Let every rule judge one channel, as validation does: later rules know what failed."""
    series, context = case
    failed = np.zeros(series.grid.count, dtype=bool)
    order = sorted(rules.items(), key=lambda item: (item[1].stage, item[1].code))
    for key, rule in order:
        tally = tallies[key]
        began = time.process_time()
        own = replace(context, parameters=defaults[key], failed=failed)
        judged = not rule.lacks(series, own)
        found = rule.check(series, own) if judged else []
        tally.seconds += time.process_time() - began
        tally.judged += judged
        tally.intervals += series.grid.count if judged else 0
        tally.findings += len(found)
        for each in found:
            if each.severity == Severity.ESTIMATE:
                first, end = (
                    (moment - series.grid.start_utc) // timedelta(minutes=MINUTES)
                    for moment in (each.start_utc, each.end_utc)
                )
                failed[first:end] = True


def measure(channels: int, days: int) -> dict[str, Tally]:
    """Return what every rule did on so many channels."""
    start = day_start(datetime(2026, 3, 1, tzinfo=UTC).date(), ZONE)
    site = Site(Grid(start, MINUTES, days * PER_DAY), np.random.default_rng(20260301))
    tallies = {key: Tally() for key, _ in rules.items()}
    defaults = {key: parse(rule.Parameters, SETTINGS.get(key, {})) for key, rule in rules.items()}
    for number, case in zip(range(channels), site.cases(), strict=False):
        spoiled = number % FAULTY == FAULTY - 1
        judge(spoil(case, site.random) if spoiled else case, tallies, defaults)
    return tallies


def rate(tallies: list[Tally]) -> float:
    """Return judged intervals x rules per second."""
    seconds = sum(each.seconds for each in tallies)
    return sum(each.intervals for each in tallies) / seconds if seconds else 0.0


def main() -> None:
    """Measure, and print one line per rule."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--channels", type=int, default=1000)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--json", action="store_true", help="Print figures for programs.")
    given = parser.parse_args()
    tallies = measure(given.channels, given.days)
    by_default = [tallies[key] for key, rule in rules.items() if rule.default_on]
    overall = rate(by_default)
    if given.json:
        each = {key: vars(tally) for key, tally in tallies.items()}
        print(json.dumps({"rules": each, "evaluations_per_second": round(overall)}))
        return
    print(f"{given.channels} channels, {given.days} days of {MINUTES} minutes, one core")
    for key, tally in sorted(tallies.items(), key=lambda item: -item[1].seconds):
        rule = rules.get(key)
        label = f"{rule.code} {key}" + ("" if rule.default_on else " (off)")
        print(
            f"{label:>32}: {tally.judged:5} judged {rate([tally]) / 1e6:8.1f} million/s "
            f"{tally.seconds * 1e6 / given.channels:6.0f} us per channel {tally.findings:5} found"
        )
    counts = Counter(rule.default_on for _, rule in rules.items())
    print(
        f"default rule set ({counts[True]} of {counts.total()} rules): {overall / 1e6:.1f} million "
        f"intervals x rules per second; goal {GOAL / 1e6:.0f} million"
    )
    if overall < GOAL:
        raise SystemExit("The goal is missed.")


if __name__ == "__main__":
    main()
