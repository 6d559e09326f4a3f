"""What a pull brings, and how it fares on a bad day of the hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from breeze.contracts.errors import (
    AuthenticationError,
    DownloadError,
    InputError,
    NotFoundError,
    RateLimitError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.model_files import Installed, ModelDefinition, ModelFile, installed
from breeze.models import Catalogue, ModelStore, Pulling, Token
from breeze.testing.standins.hub import HubStandin
from tests.models.hub import fetched, opened, pulled, safetensors, settings

CONFIG = b'{"architectures": ["LlamaForCausalLM"]}'
WEIGHTS = safetensors(3_000_000)
FILES = {"config.json": CONFIG, "model.safetensors": WEIGHTS, "sub/vocab.txt": b"a\nb\n"}


async def test_a_repository_becomes_a_model(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        commit = hub.add("org/name", {**FILES, "README.md": b"# Hi"}).commit
        model = await pulled(store, "hf:org/name")
        assert model.id == "org/name"
        assert model.definition.source == f"hf:org/name@{commit}"
        assert model.definition.runner == "transformers"
        for path, data in FILES.items():
            assert (model.folder / path).read_bytes() == data
        assert not (model.folder / "README.md").exists()
        assert [m.id for m in store.models()] == [m.id for m in installed(tmp_path)] == ["org/name"]
        assert store.size("org/name") > len(WEIGHTS)
        assert store.pulls() == ()
        assert (await store.verify("org/name")).bad == ()


async def test_one_file_of_a_repository(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        model = await pulled(store, "hf:breeze/tiny")
        assert model.entry.name == "breeze-tiny-q8_0.gguf"
        assert (await pulled(store, "hf:breeze/tiny:Q8_0")).id == "breeze/tiny:Q8_0"


async def test_progress_tells_bytes_files_speed(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", FILES)
        events = [event async for event in store.pull("hf:org/name")]
    *states, model = events
    assert isinstance(model, Installed)
    stages = [state.stage for state in states if isinstance(state, Pulling)]
    assert list(dict.fromkeys(stages)) == ["resolve", "pull", "check", "publish"]
    last = states[-1]
    assert isinstance(last, Pulling)
    assert (last.done, last.total) == (sum(map(len, FILES.values())),) * 2
    assert last.files == last.files_total == 3
    assert (last.progress.stage, last.progress.done) == ("pull", float(last.done))


@pytest.mark.parametrize(
    ("fault", "times"),
    [("file-cut;after=100000", 3), ("range-ignored", 2), ("etag-changed", 2),
     ("file-altered;at=9", 1), ("range-refused", 2), ("closed", 2), ("reset", 2),
     ("rate-limit;wait=0", 2), ("error-503", 1), ("error-502-page", 1)],
)  # fmt: skip
async def test_a_bad_moment_is_survived(tmp_path: Path, fault: str, times: int) -> None:
    async with HubStandin.serving(strict=False) as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", FILES)
        hub.cut_every = 1_000_000
        hub.fault(fault, on="GET /cdn", times=times)
        model = await pulled(store, "hf:org/name")
        assert (model.folder / "model.safetensors").read_bytes() == WEIGHTS


async def test_a_broken_connection_goes_on_where_it_stopped(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", FILES)
        hub.cut_every = 400_000
        await pulled(store, "hf:org/name")
        assert max(fetched(hub, "cdn")) == 1  # nothing that came is lost
        assert hub.problems == []


async def test_a_damaged_file_alone_is_fetched_again(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        other = safetensors(2_000_000, 1)
        hub.add("org/name", {**FILES, "b.safetensors": other})
        model = await pulled(store, "hf:org/name")
        with (model.folder / "b.safetensors").open("r+b") as file:
            file.seek(1_000_000)
            file.write(b"\0\1")
        assert (await store.verify("org/name")).bad == ("b.safetensors",)
        hub.sent.clear()
        model = await pulled(store, "hf:org/name", again=True)
        assert sum(end - start for _, start, end in hub.sent) == len(other)
        assert (await store.verify("org/name")).bad == ()


async def test_what_is_altered_for_good_is_refused(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", FILES)
        hub.fault("file-altered;at=9", on="GET /cdn", times=None)
        with pytest.raises(DownloadError, match="damaged") as caught:
            await pulled(store, "hf:org/name")
        assert caught.value.detail == "digest"
        assert store.models() == ()
        assert [p.stage for p in store.pulls()] == ["failed"]
        hub.heal()
        hub.sent.clear()
        await pulled(store, "hf:org/name")
        assert not any("config" in path for path, _, _ in hub.sent)


@pytest.mark.parametrize(
    ("facts", "token", "kind", "words"),
    [
        ({"gated": True}, "", AuthenticationError, "ask for access"),
        ({"private": True}, "", AuthenticationError, "HF_TOKEN"),
        ({"private": True}, "wrong", AuthenticationError, "refuses the key"),
    ],
)
async def test_who_may_not_is_told_what_to_do(
    tmp_path: Path, facts: dict[str, bool], token: str, kind: type[RunnerError], words: str
) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub, token=Token(token)) as store:
        hub.add("org/name", FILES, **facts)
        with pytest.raises(kind, match=words):
            await pulled(store, "hf:org/name")


async def test_a_key_opens_a_private_repository_and_goes_nowhere_else(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub, token=Token("test-key")) as store:
        hub.add("org/name", FILES, private=True)
        await pulled(store, "hf:org/name")
        keys = [c.headers.get("authorization") for c in hub.calls if c.path.startswith("/cdn")]
        assert keys == [None]
        assert "test-key" not in repr(store.settings)


@pytest.mark.parametrize(
    ("reference", "kind", "words"),
    [
        ("hf:org/none", AuthenticationError, "no such repository"),
        ("hf:org/name@v9", NotFoundError, "no such revision"),
        ("hf:org/name:none.gguf", InputError, "no file"),
        ("hf:org/pickled", InputError, "pickled"),
        ("hf:org/many", InputError, "several models.*a.gguf"),
        ("hf:org", InputError, "hf:org/name"),
        ("hf:org/../x", InputError, "hf:org/name"),
        ("nothing-like-it", NotFoundError, "catalogue has no model"),
    ],
)
async def test_what_is_not_there_is_said(
    tmp_path: Path, reference: str, kind: type[RunnerError], words: str
) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", FILES)
        hub.add("org/pickled", {"config.json": CONFIG, "pytorch_model.bin": b"x" * 2000})
        hub.add("org/many", {"a.gguf": b"a", "b.gguf": b"b"})
        with pytest.raises(kind, match=words):
            await pulled(store, reference)
        assert list(tmp_path.glob("*/model.json")) == []


async def test_a_busy_hub_says_when_to_come_again(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub, patience=0.5) as store:
        hub.add("org/name", FILES)
        hub.fault("rate-limit;wait=77", on="GET /api")
        with pytest.raises(RateLimitError, match="77 s") as caught:
            await pulled(store, "hf:org/name")
        assert caught.value.retry_after == 77


async def test_waiting_for_a_busy_hub_is_a_stage(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", FILES)
        hub.fault("rate-limit;wait=1", on="GET /cdn")
        seen = [e.stage async for e in store.pull("hf:org/name") if isinstance(e, Pulling)]
        assert "wait" in seen
        assert seen[-1] == "publish"


async def test_a_list_without_end_is_given_up(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", FILES)
        hub.fault("pages-endless", on="GET /api/models/org/name/tree", times=None)
        with pytest.raises(DownloadError, match="without end"):
            await pulled(store, "hf:org/name")


async def test_many_pages_and_a_renamed_repository(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        many = {f"voices/{n:03}.json": b"{}" for n in range(120)}
        hub.add("org/name", {**FILES, **many})
        hub.add("org/old", {}, moved_to="org/name")
        model = await pulled(store, "hf:org/old")
        assert len(model.definition.files) == 123


async def test_a_commit_that_moves_does_not_mix_versions(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", FILES)
        hub.on_call = lambda call: (
            hub.add("org/name", {**FILES, "config.json": b'{"v": 2}'})
            if "/tree/" in call.path
            else None
        )
        model = await pulled(store, "hf:org/name")
        assert (model.folder / "config.json").read_bytes() == CONFIG


async def test_mirrors_are_tried_in_order(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub:
        hub.plain["good.safetensors"] = WEIGHTS
        urls = tuple(f"{hub.origin}/files/{n}" for n in ("gone.safetensors", "good.safetensors"))
        file = ModelFile("w.safetensors", urls=urls)
        catalogue = Catalogue([ModelDefinition("two", runner="transformers", files=(file,))])
        async with opened(tmp_path, hub, catalogue) as store:
            model = await pulled(store, "two")
            assert (model.folder / "w.safetensors").read_bytes() == WEIGHTS
            assert model.definition.runner == "transformers"


async def test_a_url_resumes_by_its_etag(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.plain["w.safetensors"] = WEIGHTS
        hub.cut_every = 900_000
        model = await pulled(store, f"{hub.origin}/files/w.safetensors")
        assert model.id == "w"
        assert (model.folder / "w.safetensors").read_bytes() == WEIGHTS
        assert max(fetched(hub, "files")) <= 2


async def test_a_file_of_another_size_than_was_said(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", FILES)
        hub.fault("size-wrong", on="GET /cdn", times=None)
        with pytest.raises(DownloadError, match="bytes") as caught:
            await pulled(store, "hf:org/name")
        assert caught.value.detail == "size"


async def test_no_room_is_said_before_the_first_byte(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub:
        hub.add("org/name", FILES)
        async with opened(tmp_path, hub, quota=1_000_000) as store:
            with pytest.raises(DownloadError, match="may.*remove") as caught:
                await pulled(store, "hf:org/name")
            assert caught.value.detail == "quota"
        async with opened(tmp_path, hub, reserve=2**60) as store:
            with pytest.raises(DownloadError, match="disk"):
                await pulled(store, "hf:org/name")
        assert hub.sent == []


async def test_offline_only_what_is_here(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub:
        async with opened(tmp_path, hub) as store:
            await pulled(store, "hf:breeze/tiny")
        calls = len(hub.calls)
        async with opened(tmp_path, hub, offline=True) as store:
            assert (await pulled(store, "hf:breeze/tiny")).id == "breeze/tiny"
            with pytest.raises(UnavailableError, match="HF_HUB_OFFLINE"):
                await pulled(store, "hf:org/name")
        assert len(hub.calls) == calls


async def test_a_private_network_is_closed_but_for_the_hub(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub:
        async with opened(tmp_path, hub, private_networks=False) as store:
            assert (await pulled(store, "hf:breeze/tiny")).id == "breeze/tiny"
            for host in ("127.0.0.1", "localhost"):
                url = f"http://{host}:{hub.second_port}/files/a.gguf"
                with pytest.raises(InputError, match="public"):
                    await pulled(store, url, id=host)


async def test_a_file_that_lies_is_never_published(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", {**FILES, "model.safetensors": WEIGHTS[:-4]})
        with pytest.raises(InputError, match="not a sound model file"):
            await pulled(store, "hf:org/name")
        assert store.models() == ()


async def test_removed_and_collected(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        await pulled(store, "hf:breeze/tiny")
        freed = store.size("breeze/tiny")
        assert await store.remove("breeze/tiny") == freed
        with pytest.raises(NotFoundError, match="breeze pull hf:breeze/tiny|Run:"):
            store.get("breeze/tiny")
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "x.gguf").write_bytes(b"x" * 10)
        assert (await store.collect()).what == ()
        assert (tmp_path / "mine" / "x.gguf").exists()  # somebody put it there
        assert ModelStore(tmp_path, settings=settings(hub)).models() == ()


async def test_the_files_of_a_repository_that_a_catalogue_names(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub:
        hub.add("org/name", FILES)
        files = (ModelFile(pattern="*.safetensors", type="weights"), ModelFile("config.json"))
        entry = ModelDefinition("mine", runner="transformers", source="hf:org/name", files=files)
        wrong = ModelDefinition("wrong", source="hf:org/name", files=(ModelFile("none.bin"),))
        spoken = ModelDefinition("spoken", backend="api")
        async with opened(tmp_path, hub, Catalogue([entry, wrong, spoken])) as store:
            model = await pulled(store, "mine")
            assert {f.file_name: f.type for f in model.definition.files} == {
                "model.safetensors": "weights", "config.json": "model",
            }  # fmt: skip
            assert (await store.verify("mine")).good == ("model.safetensors", "config.json")
            with pytest.raises(NotFoundError, match=r"none\.bin"):
                await pulled(store, "wrong")
            with pytest.raises(InputError, match="no files to fetch"):
                await pulled(store, "spoken")
            with pytest.raises(NotFoundError, match="breeze pull wrong"):
                store.get("wrong")


async def test_a_digest_in_the_catalogue_must_be_met(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub:
        hub.plain["w.bin"] = b"other"
        file = ModelFile("w.bin", urls=(f"{hub.origin}/files/w.bin",), sha256="0" * 64)
        async with opened(tmp_path, hub, Catalogue([ModelDefinition("m", files=(file,))])) as store:
            with pytest.raises(DownloadError, match="digest"):
                await pulled(store, "m")


async def test_the_hub_tells_digests_of_files_that_are_named_by_address(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", FILES)
        hub.fault("file-altered;at=9", on="GET /cdn")
        model = await pulled(store, f"{hub.origin}/org/name/resolve/main/model.safetensors")
        assert (model.folder / "model.safetensors").read_bytes() == WEIGHTS
        assert sum(path.startswith("/cdn") for path, _, _ in hub.sent) == 2


async def test_another_revision_does_not_go_on_with_the_old_one(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub, tries=2) as store:
        first = hub.add("org/name", {**FILES, "only.txt": b"then"}).commit
        hub.fault("error-503", on="GET /cdn", times=None)
        with pytest.raises(UnavailableError, match="goes on where it stopped"):
            await pulled(store, f"hf:org/name@{first}")
        hub.heal()
        newer = {"config.json": b"{}", "model.safetensors": safetensors(100_000, 3)}
        hub.add("org/name", newer)
        model = await pulled(store, "hf:org/name")
        assert not (model.folder / "only.txt").exists()
        for path, data in newer.items():
            assert (model.folder / path).read_bytes() == data


async def test_another_revision_replaces_the_one_that_is_here(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        first = hub.add("org/name", FILES).commit
        second = hub.add("org/name", {**FILES, "config.json": b"{}"}).commit
        await pulled(store, "hf:org/name")
        model = await pulled(store, f"hf:org/name@{first}")
        assert model.definition.source == f"hf:org/name@{first}"
        assert (model.folder / "config.json").read_bytes() == CONFIG
        hub.sent.clear()
        assert await pulled(store, f"hf:org/name@{first}") == model
        assert await pulled(store, "hf:org/name") == model  # no revision: what is here will do
        assert hub.sent == []
        assert second in (await pulled(store, f"hf:org/name@{second}")).definition.source


async def test_its_id_is_enough_to_go_on_with_a_model_or_to_mend_it(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub, tries=1) as store:
        hub.add("org/name", FILES)
        hub.fault("error-503", on="GET /cdn", times=None)
        with pytest.raises(UnavailableError):
            await pulled(store, "hf:org/name")
        hub.heal()
        assert [pull.id for pull in store.pulls()] == ["org/name"]
        model = await pulled(store, "org/name")
        (model.folder / "config.json").write_bytes(b"damaged")
        model = await pulled(store, "org/name", again=True)
        assert (model.folder / "config.json").read_bytes() == CONFIG


async def test_an_update_fetches_what_changed(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", FILES)
        await pulled(store, "hf:org/name")
        hub.add("org/name", {**FILES, "config.json": b'{"architectures": ["Newer"]}'})
        assert (await pulled(store, "hf:org/name")).definition.source.startswith("hf:org/name@")
        hub.sent.clear()
        model = await pulled(store, "hf:org/name", again=True)
        assert (model.folder / "config.json").read_bytes() == b'{"architectures": ["Newer"]}'
        assert [path.rpartition("/")[2] for path, _, _ in hub.sent] == ["config.json"]
