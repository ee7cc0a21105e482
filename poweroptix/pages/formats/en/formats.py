"""Dates as every other page writes them; moments of the set-up are UTC and say so."""

DATE_FORMAT = SHORT_DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "Y-m-d H:i e"
TIME_FORMAT, YEAR_MONTH_FORMAT, MONTH_DAY_FORMAT = "H:i", "Y-m", "m-d"
