"""One idea, one file: small files, small functions, nothing left for later."""

import ast
import re

from tests.house import tree

MOST_LINES = 400
MOST_FUNCTION_LINES = 50


def test_no_file_is_longer_than_400_lines():
    others = [tree.ROOT / "tests", tree.ROOT / "benchmarks", tree.ROOT / "templates"]
    files = tree.product_files() + [
        file for top in others for kind in ("*.py", "*.html") for file in sorted(top.rglob(kind))
    ]
    lengths = {tree.place(f): len(f.read_text(encoding="utf-8").splitlines()) for f in files}

    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_no_function_is_longer_than_50_lines():
    lengths = {
        f"{tree.place(file)}:{node.name}": node.end_lineno - node.lineno + 1
        for file in tree.product_files()
        for node in ast.walk(tree.parsed(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert {name: length for name, length in lengths.items() if length > MOST_FUNCTION_LINES} == {}


def test_nothing_is_left_for_later():
    later = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")

    wrong = [
        f"{tree.place(file)}:{number}"
        for file in tree.product_files()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if later.search(line)
    ]

    assert wrong == []


def test_no_error_is_swallowed():
    wrong = [
        f"{tree.place(file)}:{node.lineno}"
        for file in tree.product_files()
        for node in ast.walk(tree.parsed(file))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or all(isinstance(each, ast.Pass) for each in node.body))
    ]

    assert wrong == []
