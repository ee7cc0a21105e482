"""Models of metering."""

from .assets import Campus, DeliveryPoint, GeneratingUnit
from .blocks import Publication, ReadingBlock, ReadingNote
from .capacity import CapacityStep, capacity_steps
from .choices import (
    AcceptReason,
    ChannelKind,
    DefinitionMethod,
    Direction,
    EditAction,
    FileState,
    FindingSeverity,
    FindingState,
    Layer,
    PointKind,
    ProposalState,
    PublicationKind,
    Quantity,
    ReasonCode,
    RecordState,
    RegisterReadType,
    Role,
    Technology,
    ZoneRule,
)
from .clocks import ClockCheck
from .devices import Channel, Installation, LossFactor, Meter
from .files import ChannelAlias, ImportFile, ImportProfile, QuarantinedRecord
from .holidays import SiteHoliday
from .judgement import Edit, Finding, RuleSetting, VeeRun
from .limits import HeatRatePoint, PowerCurvePoint, UnitLimits
from .metrology import (
    Interruption,
    InterruptionCause,
    MeterTest,
    MeterTestPoint,
    MeterTestResult,
    TransformerCertificate,
    TransformerKind,
)
from .proposals import EditProposal
from .registers import RegisterRead
from .rulesets import RuleSet, RuleSetUse
from .sources import Health, ItemVerdict, RunOutcome, Source, SourceItem, SourceRun
from .virtual import VirtualDefinition, VirtualTerm

__all__ = [
    "AcceptReason",
    "Campus",
    "CapacityStep",
    "Channel",
    "ChannelAlias",
    "ChannelKind",
    "ClockCheck",
    "DefinitionMethod",
    "DeliveryPoint",
    "Direction",
    "Edit",
    "EditAction",
    "EditProposal",
    "FileState",
    "Finding",
    "FindingSeverity",
    "FindingState",
    "GeneratingUnit",
    "Health",
    "HeatRatePoint",
    "ImportFile",
    "ImportProfile",
    "Installation",
    "Interruption",
    "InterruptionCause",
    "ItemVerdict",
    "Layer",
    "LossFactor",
    "Meter",
    "MeterTest",
    "MeterTestPoint",
    "MeterTestResult",
    "PointKind",
    "PowerCurvePoint",
    "ProposalState",
    "Publication",
    "PublicationKind",
    "Quantity",
    "QuarantinedRecord",
    "ReadingBlock",
    "ReadingNote",
    "ReasonCode",
    "RecordState",
    "RegisterRead",
    "RegisterReadType",
    "Role",
    "RuleSet",
    "RuleSetUse",
    "RuleSetting",
    "RunOutcome",
    "SiteHoliday",
    "Source",
    "SourceItem",
    "SourceRun",
    "Technology",
    "TransformerCertificate",
    "TransformerKind",
    "UnitLimits",
    "VeeRun",
    "VirtualDefinition",
    "VirtualTerm",
    "ZoneRule",
    "capacity_steps",
]
