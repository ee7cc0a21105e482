"""Verbs that go through several apps: the end of a month."""

from poweroptix.office.services.month_end import MonthEnd, close_month

__all__ = ["MonthEnd", "close_month"]
