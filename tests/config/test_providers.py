"""The plan's block `providers:` in YAML is taken as it is written; what is wrong has a place."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from breeze.config import Home, read_config
from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError
from breeze.engine.engine import Engine

PLAN = """providers:
  image:
    runware:
      api_key: "your-api-key"
      model: "runware:100@1"  # Default model
      image_size: "512x512"   # Default size
      steps: 20               # Generation steps
      guidance: 7             # CFG scale
      rate_limit_delay: 1.0   # Seconds between requests
      timeout: 30             # Request timeout
      batch_size: 4           # Max batch size
"""


def written(folder: Path, text: str, name: str = "config.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


async def test_the_block_of_the_plan_is_an_instance(tmp_path: Path) -> None:
    written(tmp_path, PLAN)
    async with Engine.open(home=tmp_path, environ={}, ledger=False) as engine:
        found = engine.instances["runware"]
        assert (found.problem, found.model) == (None, "runware:100@1")
        p = found.parameters
        assert p is not None
        told = {name: getattr(p, name) for name in ("image_size", "steps", "guidance", "timeout")}
        assert told == {"image_size": "512x512", "steps": 20, "guidance": 7, "timeout": 30}
        assert p.api_key.get_secret_value() == "your-api-key"  # type: ignore[attr-defined]
        assert "your-api-key" not in repr(engine.config) + repr(p)
        assert "runware" in engine.config.capabilities[Capability.IMAGE].runners


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("image_size: 500x500", "each side must be 128 to 2048 pixels and a multiple of 64"),
        ("image_size: large", "'large' is no size: write WIDTHxHEIGHT, such as 512x512"),
        ("steps: 400", "steps: Input should be less than or equal to 100"),
        ("batch_size: many", "batch_size: 'many' is not a complete number"),
        ("caption_model: No Model", "'No Model' is no model: write source:id@version"),
        ("model: No Model", "modelId: 'No Model' is no model: write source:id@version"),
    ],
)
async def test_a_wrong_value_is_said_at_once_and_the_others_work_on(
    tmp_path: Path, line: str, says: str
) -> None:
    name = line.partition(":")[0]
    kept = "".join(x for x in PLAN.splitlines(True) if not x.strip().startswith(name))
    written(tmp_path, f"{kept}      {line}\n")
    async with Engine.open(home=tmp_path, environ={}, ledger=False) as engine:
        assert says in str(engine.instances["runware"].problem)
        assert engine.instances["mock_image"].problem is None


async def test_an_unknown_key_is_told_with_the_nearest(tmp_path: Path) -> None:
    path = written(tmp_path, PLAN.replace("guidance:", "guidence:"))
    async with Engine.open(home=tmp_path / "other", config=path, environ={}, ledger=False) as one:
        found = one.instances["runware"]
        assert found.runner_type is not None
        said = one.layers.findings("runware", found.runner_type.parameters_type,
                                   found.entry.parameters)  # fmt: skip
        assert any("did you mean 'guidance'?" in finding.message for finding in said)
        assert any("a secret in" in finding.message for finding in said)


def test_a_file_may_hold_our_own_keys_in_yaml(tmp_path: Path) -> None:
    text = "version: '2.0'\ndefaultStrategy: REMOTE_FIRST\nproviders: {tts: {espeak: }}\n"
    config = read_config(written(tmp_path, text)).config
    assert config.default_strategy == "REMOTE_FIRST"
    assert set(config.capabilities[Capability.TTS].runners) == {"espeak"}


def test_json_counts_where_both_are_there(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.config.name == "config.json"
    written(tmp_path, PLAN, "config.yml")
    assert home.config.name == "config.yml"
    written(tmp_path, "{}", "config.json")
    assert home.config.name == "config.json"
    (notice,) = read_config(home.config).notices
    assert (
        str(notice)
        == f"{tmp_path / 'config.yml'}: is not read, as config.json is there: keep one of them"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("providers:\n  imagge: {}\n", "did you mean 'image'?"),
        ("providers: [1]\n", "must be kinds of work"),
        ("providers:\n  image: runware\n", "providers.image: must be providers by name"),
        ("providers:\n  image:\n    runware: 5\n", "providers.image.runware: must be its settings"),
        ("a: 1\na: 2\n", "line 2, column 1: the key 'a' is given twice"),
        ("a: &x [1]\nb: *x\n", "line 1, column 4: an alias is not taken"),
        ("a: !!python/object:os.system x\n", "line 1, column 4: a tag is not taken"),
        ("a: .nan\n", "this is no number that can be used"),
        ("a:\n\t- b\n", "line 2, column 1"),
        ("{a: ", "line 1"),
        ("a: \x07\n", "holds characters that no text has"),
        ("- 1\n", "it must be an object"),
        ("<<: {a: 1}\n", "this is no key"),
        ("[" * 5000, "is nested deeper than 100 levels"),
        ("? " * 5000 + "a", "is nested deeper than 100 levels"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_config(written(tmp_path, text))
    assert says in caught.value.message
    assert "config.yaml" in caught.value.message


def test_text_that_is_no_utf8_is_refused_with_its_place(tmp_path: Path) -> None:
    file = written(tmp_path, "")
    file.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(InputError, match="line 2, column 4: is not UTF-8 text"):
        read_config(file)


def test_an_instance_has_one_place(tmp_path: Path) -> None:
    text = PLAN + "capabilities:\n  IMAGE:\n    runners:\n      runware: {class: runware}\n"
    with pytest.raises(InputError, match="is configured under capabilities, too"):
        read_config(written(tmp_path, text))


def test_without_a_reader_of_yaml_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(InputError, match=r"pip install 'breeze-engine\[remote\]'"):
        read_config(written(tmp_path, PLAN))
