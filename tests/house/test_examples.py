"""The examples in docstrings of the pure packages run."""

import doctest
from importlib import import_module

import pytest

from tests.house import tree

MODULES = tree.pure_modules()


@pytest.mark.parametrize("module", MODULES)
def test_examples_run(module):
    result = doctest.testmod(import_module(module))

    assert result.failed == 0


def test_the_kernel_has_examples():
    finder = doctest.DocTestFinder()
    silent = [
        name
        for name in MODULES
        if name.startswith("poweroptix.kernel.")
        and not any(test.examples for test in finder.find(import_module(name)))
    ]

    assert silent == []
