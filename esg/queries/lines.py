"""What a run of carbon says, for settlement, invoices and pages."""

from esg.models import EmissionLine, EmissionRun


def current_run(campus_id: int, period: str) -> EmissionRun | None:
    """Return the carbon run of a campus month that counts, if there is one."""
    return EmissionRun.objects.filter(campus=campus_id, period=period, state="CALCULATED").first()


def line_of_contract(allocation_run_id: int | None, contract_id: int) -> EmissionLine | None:
    """Return the carbon of a contract for the allocation its settlement used, if accounted."""
    if allocation_run_id is None:
        return None
    return (
        EmissionLine.objects.filter(
            run__allocation_run=allocation_run_id, contract=contract_id, sink="CONTRACT"
        )
        .select_related("run")
        .first()
    )


def lines_of_run(run: EmissionRun) -> list[EmissionLine]:
    """Return the lines of a run in print order, contracts first; one query."""
    order = {sink: at for at, sink in enumerate(EmissionLine.Sink.values)}
    rows = run.lines.select_related("contract", "tenant")
    return sorted(rows, key=lambda line: (order[line.sink], line.code))
