"""What must always be true of the data, each as one query; `manage.py doctor` asks them all.

>>> from poweroptix.doctor import invariant
"""

from poweroptix.doctor.registry import Invariant, Verdict, collect, examine, invariant

__all__ = ["Invariant", "Verdict", "collect", "examine", "invariant"]
