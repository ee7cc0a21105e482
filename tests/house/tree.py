"""Where things lie in the repository, for the tests of the house."""

import ast
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules, walk_packages

ROOT = Path(__file__).resolve().parents[2]
APPS = ("meters", "contracts", "settlement", "esg", "billing")
PURE = (
    "poweroptix.kernel",
    "meters.formats",
    "meters.exports",
    "meters.validation",
    "meters.estimation",
    "meters.sources",
    "meters.calc",
    "meters.conformance",
    "contracts.charges",
    "contracts.events",
    "contracts.calc",
    "settlement.allocation",
    "settlement.sharing",
    "settlement.weighing",
    "settlement.calc",
    "settlement.exports",
    "esg.sources",
    "esg.calc",
    "billing.calc",
)
#: Pure packages whose statistics may use floats: they judge, they do not count.
JUDGES = ("meters.validation", "meters.estimation")
PLUGIN_FOLDERS = (
    "contracts.charges",
    "meters.formats",
    "meters.exports",
    "meters.validation",
    "meters.estimation",
    "meters.sources",
    "settlement.allocation",
    "settlement.sharing",
    "settlement.exports",
    "esg.sources",
)


def folder(package: str) -> Path:
    """Return the folder of a package."""
    return ROOT.joinpath(*package.split("."))


def existing(packages) -> list[str]:
    """Return the packages that are there; an app may do without one of them."""
    return [package for package in packages if (folder(package) / "__init__.py").exists()]


def product_files() -> list[Path]:
    """Return every Python file that ships, without migrations."""
    tops = [ROOT / "poweroptix", *(ROOT / app for app in APPS)]
    files = [file for top in tops for file in sorted(top.rglob("*.py"))]
    return [file for file in files if "migrations" not in file.parts]


def pure_files(packages=PURE) -> list[Path]:
    """Return the Python files of the pure packages."""
    return [file for each in existing(packages) for file in sorted(folder(each).rglob("*.py"))]


def pure_modules() -> list[str]:
    """Return the dotted names of all modules of the pure packages."""
    names = []
    for package in existing(PURE):
        found = walk_packages([str(folder(package))], f"{package}.")
        names += [package, *(module.name for module in found)]
    return names


def plugin_modules(package: str) -> list[str]:
    """Return the plug-in files of a folder; names with an underscore are shared helpers."""
    modules = iter_modules([str(folder(package))])
    return [module.name for module in modules if not module.name.startswith("_")]


def registries(package: str) -> list:
    """Return the registries that the folder's `_base` declares."""
    from poweroptix.kernel.registry import Registry

    base = import_module(f"{package}._base")
    return [item for item in vars(base).values() if isinstance(item, Registry)]


@cache
def parsed(file: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def imports_of(file: Path) -> set[str]:
    """Return the dotted names a file imports, `from a import b` as both a and a.b."""
    names = set()
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = _package_of(file, node.level)
            module = ".".join(part for part in (start, node.module or "") if part)
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return names


def place(file: Path) -> str:
    """Return a file's path in the repository, for messages."""
    return file.relative_to(ROOT).as_posix()


def _package_of(file: Path, level: int) -> str:
    if level == 0:
        return ""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[: len(parts) - level])
