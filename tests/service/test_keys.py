"""API keys: made once, stored as a proof, known by all of themselves."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from breeze.config.home import Home
from breeze.config.server import ApiKey
from breeze.contracts.errors import AuthenticationError, InputError, NotFoundError
from breeze.service.access import ANYBODY, STRANGER, Principal, Role
from breeze.service.authentication import Authentication
from breeze.service.keys import KeyFile
from breeze.testing.clock import ManualClock


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(Home(tmp_path / "home"))


def test_a_key_lets_its_owner_in_with_its_role(keys: KeyFile) -> None:
    ada, bob = keys.add("ada", "operate"), keys.add("bob", "use")
    who = Authentication(keys)
    assert who(ada.encode()) == Principal("ada", Role.OPERATE)
    assert who(bob.encode()) == Principal("bob", Role.USE)
    assert who(ada.encode()) == who(ada.encode())  # the second time from memory
    assert who.count == 2


def test_a_key_is_long_and_looks_like_one(keys: KeyFile) -> None:
    made = [keys.add(f"k{i}", "use") for i in range(3)]
    assert len(set(made)) == 3
    assert all(key.startswith("brz_") and len(key) == 47 for key in made)


def test_without_any_key_everybody_operates(keys: KeyFile) -> None:
    who = Authentication(keys)
    assert not who.needed
    assert who(b"") == who(b"whatever") == ANYBODY


def test_without_a_key_one_is_a_stranger_where_keys_are_needed(keys: KeyFile) -> None:
    keys.add("ada", "use")
    assert Authentication(keys)(b"") == STRANGER


@pytest.mark.parametrize("change", ["x", "brz_", " ", "\x00", "é"])
def test_what_is_not_wholly_the_key_is_refused(keys: KeyFile, change: str) -> None:
    ada = keys.add("ada", "use")
    who = Authentication(keys)
    assert who(ada.encode())
    for wrong in (ada + change, change + ada, ada[:-1], ada[:-1] + change, ada.swapcase()):
        with pytest.raises(AuthenticationError):
            who(wrong.encode())


def test_two_keys_that_begin_alike_are_two_identities(keys: KeyFile) -> None:
    same = "sk-" + "a" * 60
    who = Authentication(
        keys,
        [
            ApiKey(name="first", key=SecretStr(same + "1"), role="use"),
            ApiKey(name="second", key=SecretStr(same + "2"), role="operate"),
        ],
    )
    for _ in range(2):  # proved, then remembered
        assert who(f"{same}1".encode()) == Principal("first", Role.USE)
        assert who(f"{same}2".encode()) == Principal("second", Role.OPERATE)
    with pytest.raises(AuthenticationError):
        who(same.encode())


def test_what_is_stored_neither_shows_the_key_nor_lets_anybody_in(keys: KeyFile) -> None:
    ada = keys.add("ada", "operate")
    text = keys.path.read_text()
    assert not any(ada[i : i + 8] in text for i in range(4, len(ada) - 8))
    (stored,) = json.loads(text)["keys"]
    assert set(stored) == {"id", "name", "role", "created", "salt", "digest"}
    who = Authentication(keys)
    for value in (
        stored["digest"],
        stored["salt"],
        stored["id"],
        stored["salt"] + stored["digest"],
    ):
        for login in (value.encode(), f"brz_{value}".encode(), bytes.fromhex(value)):
            with pytest.raises(AuthenticationError):
                who(login)


def test_the_same_key_has_another_proof_each_time(keys: KeyFile) -> None:
    keys.add("ada", "use")
    keys.add("bob", "use")
    ada, bob = keys.load()
    assert ada.salt != bob.salt
    assert ada.salt not in repr(ada)
    assert ada.digest not in repr(ada)


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_only_the_user_may_read_the_file(keys: KeyFile) -> None:
    keys.add("ada", "use")
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    keys.path.chmod(0o644)
    keys.load()
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600


def test_a_name_is_taken_once(keys: KeyFile) -> None:
    keys.add("ada", "use")
    with pytest.raises(InputError, match="breeze keys revoke ada"):
        keys.add("ada", "operate")
    assert [key.role for key in keys.load()] == ["use"]


@pytest.mark.parametrize("name", ["", " ", "a b", "a\n", "-x", "é", "x" * 65, "a/b"])
def test_a_name_must_be_fit_for_a_log(keys: KeyFile, name: str) -> None:
    with pytest.raises(InputError, match="is no name of a key"):
        keys.add(name, "use")
    assert not keys.path.exists()


async def test_a_revoked_key_opens_nothing(keys: KeyFile) -> None:
    clock = ManualClock()
    ada, bob = keys.add("ada", "use"), keys.add("bob", "use")
    who = Authentication(keys, now=clock.now)
    assert who(ada.encode())
    keys.revoke("ada")
    await clock.advance(1.0)
    with pytest.raises(AuthenticationError):
        who(ada.encode())
    assert who(bob.encode()).name == "bob"
    keys.revoke(keys.load()[0].id)
    await clock.advance(1.0)
    with pytest.raises(AuthenticationError):
        who(bob.encode())
    assert who(b"") == STRANGER  # the last key is gone, and the door stays shut


async def test_a_new_key_works_within_a_second_and_is_needed_from_then_on(keys: KeyFile) -> None:
    clock = ManualClock()
    who = Authentication(keys, now=clock.now)
    assert who(b"") == ANYBODY
    ada = keys.add("ada", "use")
    assert who(b"") == ANYBODY  # it is not looked at before every request
    await clock.advance(1.0)
    assert who(b"") == STRANGER
    assert who(ada.encode()).name == "ada"


async def test_a_broken_file_changes_nothing_while_serving(keys: KeyFile) -> None:
    clock = ManualClock()
    ada = keys.add("ada", "use")
    who = Authentication(keys, now=clock.now)
    keys.path.write_text('{"keys": ')
    await clock.advance(1.0)
    assert who(ada.encode()).name == "ada"
    with pytest.raises(InputError, match="line 1"):
        Authentication(keys)


def test_one_name_in_both_places_is_refused(keys: KeyFile) -> None:
    keys.add("ada", "use")
    with pytest.raises(InputError, match="called 'ada'"):
        Authentication(keys, [ApiKey(name="ada", key=SecretStr("k1"))])


def test_what_is_not_there_cannot_be_revoked(keys: KeyFile) -> None:
    with pytest.raises(NotFoundError, match="breeze keys list"):
        keys.revoke("nobody")


def test_wrong_keys_do_not_keep_the_right_ones_out(keys: KeyFile) -> None:
    known = {name: keys.add(name, "use").encode() for name in ("ada", "bob", "cleo")}
    who = Authentication(keys)
    for i in range(2000):
        with pytest.raises(AuthenticationError):
            who(b"brz_%d" % i)
    with pytest.raises(AuthenticationError):
        who(known["ada"] * 100)
    assert [who(key).name for key in known.values()] == list(known)
