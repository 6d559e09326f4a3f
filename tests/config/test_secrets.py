"""Secrets: in a private file of their own, and shown nowhere."""

from __future__ import annotations

import logging
import os
import stat
from typing import Any

import pytest
from pydantic import SecretStr

from breeze.config import Home, SettingsStore
from breeze.contracts.errors import InputError


def test_a_secret_goes_to_its_own_file_only(store: SettingsStore, home: Home) -> None:
    store.set("primary", "temperature", 1, secret=False)
    store.set("primary", "api_key", SecretStr("sk-canary"), secret=True)
    assert store.secrets() == {"primary": {"api_key": "sk-canary"}}
    assert "sk-canary" not in home.settings.read_text()
    others = [p for p in home.root.iterdir() if p != home.secrets]
    assert all(b"sk-canary" not in path.read_bytes() for path in others)


def test_a_value_lives_in_one_of_the_files(store: SettingsStore, home: Home) -> None:
    """What was saved as plain text by mistake is gone once it is saved as a secret."""
    store.set("primary", "api_key", "sk-canary", secret=False)
    store.set("primary", "api_key", "sk-canary", secret=True)
    assert "sk-canary" not in home.settings.read_text()
    store.set("primary", "api_key", "no secret", secret=False)
    assert store.secrets() == {}


def test_the_secrets_file_is_private_whatever_the_umask(store: SettingsStore, home: Home) -> None:
    before = os.umask(0)
    try:
        store.set("primary", "api_key", "k", secret=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE(home.secrets.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700


def test_a_secrets_file_open_to_others_is_closed_and_reported(
    store: SettingsStore, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    store.set("primary", "api_key", "canary", secret=True)
    home.secrets.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        assert store.secrets() == {"primary": {"api_key": "canary"}}
    assert stat.S_IMODE(home.secrets.stat().st_mode) == 0o600
    assert "was open to other users" in caplog.text
    assert "canary" not in caplog.text


def test_secrets_do_not_show(store: SettingsStore) -> None:
    store.set("primary", "api_key", "canary", secret=True)
    store.set("primary", "password", "canary", secret=False)  # a mistake must not show either
    shown = f"{store!r} {store.secrets()!r} {store.secrets()} {store.load()!r} {store.load()}"
    assert "canary" not in shown
    assert "'api_key': '**********'" in shown


@pytest.mark.parametrize("value", ["", "  ", None, 5, SecretStr("")])
def test_a_blank_secret_is_refused(store: SettingsStore, home: Home, value: Any) -> None:
    with pytest.raises(InputError, match="api_key needs a text"):
        store.set("primary", "api_key", value, secret=True)
    assert not home.root.exists()


def test_a_broken_secrets_file_stays_as_it_is(store: SettingsStore, home: Home) -> None:
    home.create()
    home.secrets.write_text('{"a": {"api_key": 12345}}')
    for secret in (True, False):
        with pytest.raises(InputError, match=r"secrets.json.*a.api_key: should be") as refused:
            store.set("a", "x", "y", secret=secret)
        assert "12345" not in str(refused.value)
    assert home.secrets.read_text() == '{"a": {"api_key": 12345}}'
    assert not home.settings.exists()
