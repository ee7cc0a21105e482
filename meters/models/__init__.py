"""Models of metering."""

from .assets import Campus, DeliveryPoint, GeneratingUnit
from .blocks import Publication, ReadingBlock, ReadingNote
from .choices import (
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
from .devices import Channel, Installation, LossFactor, Meter
from .files import ChannelAlias, ImportFile, ImportProfile, QuarantinedRecord
from .judgement import Edit, Finding, RuleSetting, VeeRun
from .proposals import EditProposal
from .registers import RegisterRead

__all__ = [
    "Campus",
    "Channel",
    "ChannelAlias",
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
    "ImportFile",
    "ImportProfile",
    "Installation",
    "Layer",
    "LossFactor",
    "Meter",
    "PointKind",
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
    "RuleSetting",
    "Technology",
    "VeeRun",
    "ZoneRule",
]
