"""Starts of a unit: a fee and the fuel at the day's gas price, beyond the free ones (STARTS)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.calc.fuel import START, price_at, price_gap
from contracts.calc.totals import once, stated
from contracts.calc.years import kept, sums_of, whole, year_parts
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from contracts.events import Event, values_of
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.parameters import param
from poweroptix.kernel.period import zone_of
from poweroptix.kernel.worksheet import Row, Worksheet

STATES = ("HOT", "WARM", "COLD")
ORDERS = {
    "TIME": "in order of time",
    "DEAREST_FIRST": "the dearest first",
    "CHEAPEST_FIRST": "the cheapest first",
}


@dataclass(frozen=True, kw_only=True)
class StartPrice:
    """What a start of one kind costs, and the fuel it takes."""

    state: str = param(choices=STATES, help="How warm the unit is.")
    fee: Decimal = param(unit="USD", minimum=Decimal(0), maximum=Decimal(100_000_000))
    fuel_mmbtu: Decimal = param(unit="MMBtu", minimum=Decimal(0), maximum=Decimal(10_000_000))


@charge_types.register("starts@1")
class Starts(ChargeType):
    """Every start that is not free pays its fee, and its fuel at the price of its day."""

    title = "Starts"
    uses_quantity = False

    @dataclass(frozen=True, kw_only=True)
    class Parameters:
        """What starts cost, which ones are paid, and which ones are free."""

        table: list[StartPrice] = param(help="Fee and fuel of a hot, a warm and a cold start.")
        gas_index: str = param(
            default="", help="Prices of the start fuel; empty when the fee holds it."
        )
        paid: str = param(
            choices=("BUYER", "ALL"),
            help="Starts that the buyer caused, or all of them; others are neither paid nor free.",
        )
        free_starts: int = param(minimum=0, maximum=10_000, help="Starts that are not paid.")
        free_per: str = param(choices=("MONTH", "CONTRACT_YEAR"), help="In what time.")
        free_order: str = param(
            choices=tuple(ORDERS),
            help="Which starts are free: the first ones, the dearest or the cheapest of the month.",
        )

        def __post_init__(self) -> None:
            """Refuse a table that names a state twice or fuel without a price."""
            states = [row.state for row in self.table]
            if not states or len(set(states)) != len(states):
                raise Refused("contracts.start_table", "table: name every state once")
            if any(row.fuel_mmbtu for row in self.table) and not self.gas_index:
                text = "gas_index: the table has fuel, so name its prices"
                raise Refused("contracts.start_table", text)

    def needs(self, parameters: Any) -> Needs:
        """Return the gas prices and the starts."""
        index = (parameters.gas_index,) if parameters.gas_index else ()
        return Needs(prices=index, events=(START,))

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        said = []
        for row in parameters.table:
            fuel = f" and {words.number(row.fuel_mmbtu)} MMBtu of gas" if row.fuel_mmbtu else ""
            said.append(f"{words.dollars(row.fee)}{fuel} for a {row.state.lower()} start")
        whose = "of the buyer" if parameters.paid == "BUYER" else "of whoever caused it"
        text = f"Starts {whose}{words.since(context)}: {words.listed(said)}"
        if parameters.gas_index:
            text += f", the gas at the price of {context.title(parameters.gas_index)} at that time"
        if not parameters.free_starts:
            return f"{text}. No start is free."
        per = {"MONTH": "month", "CONTRACT_YEAR": "contract year"}[parameters.free_per]
        count = words.counted(parameters.free_starts, "start")
        return f"{text}. {count} of a {per}, {ORDERS[parameters.free_order]}, are free."

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row per start; free ones at zero."""
        yearly = parameters.free_per == "CONTRACT_YEAR"
        carry, rows, findings = dict(carry_in), [], []
        for part in year_parts(inputs) if yearly else [whole(inputs)]:
            used = sums_of(carry if yearly else {}, part.year, ("used",))["used"]
            starts = self._starts(inputs, parameters, (part.start_utc, part.end_utc))
            costs = {at: self._cost(inputs, parameters, one) for at, one in starts.items()}
            free = self._free(parameters, costs, parameters.free_starts - int(used))
            rows += [self._row(inputs, one, costs[at], at in free) for at, one in starts.items()]
            findings += [
                price_gap(inputs, parameters.gas_index, starts[at].start_utc)
                for at, cost in costs.items()
                if cost.value is None and at not in free
            ]
            carry = kept(part.year, {"used": used + len(free)}) if yearly and not part.ends else {}
        sheet = inputs.worksheet(rows or (self._none(inputs),), findings=findings)
        return sheet, carry

    @staticmethod
    def _starts(inputs: ChargeInputs, parameters: Any, span) -> dict[int, Event]:
        """Return the starts that count, by their place in time."""
        found = [
            one
            for one in inputs.happened(START)
            if one.touches(*span)
            and (parameters.paid == "ALL" or values_of(one).caused_by == "BUYER")
        ]
        return dict(enumerate(found, 1))

    @staticmethod
    def _cost(inputs: ChargeInputs, parameters: Any, event: Event) -> Figure:
        """Return what a start costs; empty while its gas price is not published."""
        state = values_of(event).state
        row = next((one for one in parameters.table if one.state == state), None)
        if row is None:
            text = f"table: no price for a {state.lower()} start, and there is one: {event.name()}"
            raise Refused("contracts.start_table", text)
        fee = stated(inputs, "fee", row.fee, "USD", f"fee of a {state.lower()} start")
        if not row.fuel_mmbtu:
            return fee
        fuel = stated(inputs, "fuel_mmbtu", row.fuel_mmbtu, "MMBtu", "fuel of the start")
        gas = price_at(inputs, parameters.gas_index, event.start_utc, "gas_price")
        return Figure.computed("start_cost", "USD", "fee + fuel_mmbtu * gas_price", fee, fuel, gas)

    @staticmethod
    def _free(parameters: Any, costs: Mapping[int, Figure], count: int) -> set[int]:
        """Return which starts are free, by their place in time; none while the order is open."""
        order = list(costs)
        if parameters.free_order != "TIME":
            if any(cost.value is None for cost in costs.values()):
                return set()
            sign = -1 if parameters.free_order == "DEAREST_FIRST" else 1
            order.sort(key=lambda at: (sign * costs[at].value, at))
        return set(order[: max(count, 0)])

    @staticmethod
    def _row(inputs: ChargeInputs, event: Event, cost: Figure, is_free: bool) -> Row:
        day = event.start_utc.astimezone(zone_of(inputs.zone))
        label = f"{day:%Y-%m-%d %H:%M} {values_of(event).state.lower()}"
        number = Decimal(0 if is_free else 1)
        count = Figure(
            "starts", number, "count", event.source("start"), note="free" if is_free else ""
        )
        if is_free and cost.value is None:
            cost = Figure("start_cost", Decimal(0), "USD", cost.source, note="free")
        return Row(label, count, cost)

    @staticmethod
    def _none(inputs: ChargeInputs) -> Row:
        zero = Figure("start_cost", Decimal(0), "USD", inputs.term.source("no start"))
        return Row(inputs.term.label, once(inputs, "starts"), zero)
