"""Lists of words that the models of metering may use."""

from django.db import models


class Technology(models.TextChoices):
    """How a generating unit makes power."""

    GAS_ENGINE = "GAS_ENGINE", "Gas engine"
    GAS_TURBINE = "GAS_TURBINE", "Gas turbine"
    SOLAR = "SOLAR", "Solar"
    WIND = "WIND", "Wind"
    BATTERY = "BATTERY", "Battery"
    NUCLEAR = "NUCLEAR", "Nuclear (SMR)"
    FUEL_CELL = "FUEL_CELL", "Hydrogen or fuel cell"
    OTHER = "OTHER", "Other"


class PointKind(models.TextChoices):
    """What stands behind a delivery point."""

    GENERATOR = "GENERATOR", "Generator"
    GENERATOR_AUX = "GENERATOR_AUX", "Generator auxiliaries"
    TENANT_LOAD = "TENANT_LOAD", "Tenant load"
    GRID_TIE = "GRID_TIE", "Grid tie"
    STORAGE = "STORAGE", "Storage"
    CHECK = "CHECK", "Check point"
    HOUSE = "HOUSE", "House load"
    FUEL = "FUEL", "Fuel"
    BUS = "BUS", "Bus"
    WEATHER = "WEATHER", "Weather station"


class Quantity(models.TextChoices):
    """What a channel measures."""

    KWH = "KWH", "Active energy"
    KVARH = "KVARH", "Reactive energy"
    KVAH = "KVAH", "Apparent energy"
    KW = "KW", "Active power"
    MMBTU = "MMBTU", "Fuel energy"
    VOLT = "VOLT", "Voltage"
    AMPERE = "AMPERE", "Current"
    RATIO = "RATIO", "Ratio"
    SOC = "SOC", "State of charge"
    IRRADIANCE = "IRRADIANCE", "Irradiance"
    WIND_SPEED = "WIND_SPEED", "Wind speed"
    RUNNING = "RUNNING", "Running state"
    OTHER = "OTHER", "Other"


class Direction(models.TextChoices):
    """Which way the measured energy flows; only NET may be negative."""

    DELIVERED = "DELIVERED", "Delivered"
    RECEIVED = "RECEIVED", "Received"
    NET = "NET", "Net"


class Role(models.TextChoices):
    """Which of several channels of one point counts."""

    MAIN = "MAIN", "Main"
    CHECK = "CHECK", "Check"
    BACKUP = "BACKUP", "Backup"
    SCADA = "SCADA", "SCADA"
    SCHEDULE = "SCHEDULE", "Schedule"

    @classmethod
    def measured(cls) -> list[tuple[str, str]]:
        """Return the choices without the schedule, which no device measures."""
        return [one for one in cls.choices if one[0] != cls.SCHEDULE]


class ChannelKind(models.TextChoices):
    """Where the readings of a channel come from."""

    METERED = "METERED", "Metered"
    VIRTUAL = "VIRTUAL", "Virtual"


class DefinitionMethod(models.TextChoices):
    """How the readings of a virtual channel follow from its terms."""

    FORMULA = "FORMULA", "Expression"
    LOSS_FACTOR = "LOSS_FACTOR", "Loss factor"
    TRANSFORMER = "TRANSFORMER", "Transformer losses"
    LINE = "LINE", "Line losses"


class ZoneRule(models.TextChoices):
    """By which days a channel is judged."""

    UTC = "UTC", "Interval data"
    LOCAL_DAY = "LOCAL_DAY", "Daily figure of the local day"


class FileState(models.TextChoices):
    """Where an import file stands."""

    RECEIVED = "RECEIVED", "Received"
    READING = "READING", "Being read"
    ACCEPTED = "ACCEPTED", "Accepted"
    REFUSED = "REFUSED", "Refused"
    DUPLICATE = "DUPLICATE", "Duplicate"


class DuplicatePolicy(models.TextChoices):
    """What becomes of rows of one file that give one instant different values."""

    REFUSE = "refuse", "Refuse all of them"
    FIRST = "first", "Take the first"
    LAST = "last", "Take the last"


class RecordState(models.TextChoices):
    """Where a quarantined record stands."""

    OPEN = "OPEN", "Open"
    MAPPED = "MAPPED", "Mapped, waits for replay"
    REPLAYED = "REPLAYED", "Replayed"
    DISMISSED = "DISMISSED", "Dismissed"


class Layer(models.IntegerChoices):
    """Which of the two stories a block tells."""

    RAW = 1, "As received"
    FINAL = 2, "Validated, estimated, edited"


class PublicationKind(models.TextChoices):
    """What made a set of blocks visible."""

    INGEST = "INGEST", "File"
    VEE = "VEE", "Validation and estimation"
    EDIT = "EDIT", "Edit"
    REPLAY = "REPLAY", "Replay of quarantined records"
    VIRTUAL = "VIRTUAL", "Virtual channels"


class RegisterReadType(models.TextChoices):
    """Why a register was read."""

    SCHEDULED = "SCHEDULED", "Scheduled"
    INSTALL = "INSTALL", "Meter installed"
    REMOVE = "REMOVE", "Meter removed"
    SPECIAL = "SPECIAL", "Special"
    SELF_READ = "SELF_READ", "Read by the customer"


class FindingSeverity(models.TextChoices):
    """What a finding does to the readings (see the kernel's Severity)."""

    INFO = "INFO", "Information"
    WARN = "WARN", "Warning"
    HOLD = "HOLD", "Hold"
    ESTIMATE = "ESTIMATE", "Estimate"
    REJECT = "REJECT", "Reject"
    BLOCK = "BLOCK", "Block"


class FindingState(models.TextChoices):
    """Where a finding stands."""

    OPEN = "OPEN", "Open"
    ACCEPTED = "ACCEPTED", "Accepted as read"
    ESTIMATED = "ESTIMATED", "Estimated"
    EDITED = "EDITED", "Edited"
    CLOSED = "CLOSED", "Closed"


class EditAction(models.TextChoices):
    """What a person did to final readings."""

    SET = "SET", "Set value"
    ADD = "ADD", "Add"
    SCALE = "SCALE", "Multiply"
    TOTAL = "TOTAL", "Scale to a total"
    COPY_DAY = "COPY_DAY", "Copy from another day"
    COPY_CHANNEL = "COPY_CHANNEL", "Copy from the check channel"
    MARK_MISSING = "MARK_MISSING", "Mark missing"
    RESTORE = "RESTORE", "Back to an earlier version"
    REVERT = "REVERT", "Revert to the validated reading"
    ACCEPT = "ACCEPT", "Accept as read"


class ProposalState(models.TextChoices):
    """Where an edit above the limit stands."""

    PROPOSED = "PROPOSED", "Waits for a second person"
    CONFIRMED = "CONFIRMED", "Confirmed"
    REJECTED = "REJECTED", "Rejected"


class ReasonCode(models.TextChoices):
    """Why a person changed or accepted readings."""

    METER_FAULT = "METER_FAULT", "Meter faulty"
    TRANSFORMER_FAULT = "TRANSFORMER_FAULT", "Instrument transformer faulty"
    CLOCK = "CLOCK", "Clock wrong"
    TEST = "TEST", "Meter under test"
    CONFIGURATION = "CONFIGURATION", "Configured wrongly"
    COMMUNICATION = "COMMUNICATION", "Communication fault"
    METER_EXCHANGE = "METER_EXCHANGE", "Meter exchanged"
    OUTAGE = "OUTAGE", "Outage confirmed"
    CHECK_METER = "CHECK_METER", "Check meter agrees"
    CHECK_MISMATCH = "CHECK_MISMATCH", "Check meter disagrees"
    BALANCE = "BALANCE", "Campus does not balance"
    FIELD_VISIT = "FIELD_VISIT", "Confirmed on site"
    AGREED = "AGREED", "Agreed between the parties"
    SOURCE_CORRECTED = "SOURCE_CORRECTED", "Source sent a correction"
    ACTUAL_LOAD = "ACTUAL_LOAD", "Actual load or generation"
    OTHER = "OTHER", "Other, see comment"


class AcceptReason(models.TextChoices):
    """Why a person takes a reading as true although a rule doubts it: what speaks for it."""

    ACTUAL_LOAD = "ACTUAL_LOAD", ReasonCode.ACTUAL_LOAD.label
    OUTAGE = "OUTAGE", ReasonCode.OUTAGE.label
    CHECK_METER = "CHECK_METER", ReasonCode.CHECK_METER.label
    OTHER_METER = "OTHER_METER", "The other meter is faulty"
    METER_EXCHANGE = "METER_EXCHANGE", ReasonCode.METER_EXCHANGE.label
    SOURCE_CORRECTED = "SOURCE_CORRECTED", ReasonCode.SOURCE_CORRECTED.label
    FIELD_VISIT = "FIELD_VISIT", ReasonCode.FIELD_VISIT.label
    AGREED = "AGREED", ReasonCode.AGREED.label
    OTHER = "OTHER", ReasonCode.OTHER.label
