"""What users import, and what they can read about it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import breeze
import breeze.contracts
from breeze.contracts.errors import CODES
from tests.house.source import PACKAGE, ROOT

CONTRACTS = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(breeze.contracts.__path__, "breeze.contracts.")
]


def test_the_root_is_small_and_sorted() -> None:
    assert breeze.__all__ == sorted(set(breeze.__all__))
    assert len(breeze.__all__) <= 30


@pytest.mark.parametrize("name", breeze.__all__)
def test_every_root_name_is_there(name: str) -> None:
    assert getattr(breeze, name) is not None


def test_other_root_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'chatRequest'"):
        breeze.chatRequest  # noqa: B018  # the access is the test


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()


@pytest.mark.parametrize("module", CONTRACTS, ids=lambda module: module.__name__)
def test_everything_public_in_the_contracts_is_described(module: ModuleType) -> None:
    assert module.__doc__
    for name, thing in vars(module).items():
        ours = getattr(thing, "__module__", "") == module.__name__
        if ours and not name.startswith("_") and (inspect.isclass(thing) or callable(thing)):
            made_up = inspect.isclass(thing) and (thing.__doc__ or "").startswith(f"{name}(")
            assert thing.__doc__, f"{module.__name__}.{name} has no docstring"
            assert not made_up, f"{module.__name__}.{name} has no docstring of its own"


@pytest.mark.parametrize("code", CODES)
def test_every_error_code_is_documented(code: str) -> None:
    kind = CODES[code]
    assert kind.__doc__
    assert 400 <= kind.status < 600
    rows = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert f"| `{code}` | `{kind.__name__}` | {kind.status} |" in rows
