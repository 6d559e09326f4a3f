"""The models on this disk, and how they get there."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import AsyncGenerator
from pathlib import Path
from types import TracebackType
from typing import Self

from breeze.contracts.clock import Clock, SystemClock
from breeze.contracts.errors import NotFoundError, RunnerError, UnavailableError
from breeze.contracts.model_files import Installed, installed
from breeze.models.catalogue import Catalogue
from breeze.models.disk import in_thread, own_bytes, size_of
from breeze.models.order import Collected, Verified, collected, is_busy, verified
from breeze.models.paths import Places
from breeze.models.publish import take_away
from breeze.models.pull import Pull, Wish, ask_to_stop, forget, load_state
from breeze.models.pulling import Pulling
from breeze.models.reference import Reference, read_reference
from breeze.models.settings import StoreSettings
from breeze.models.work import pulled

_POLL, _LONGEST_STOP = 0.05, 30.0
_USUAL_CATALOGUE = Catalogue()
_USUAL_SETTINGS = StoreSettings()


class ModelStore:
    """The store whose models lie under `root`. Nothing is read or made before it is used.

    async with ModelStore(home.models) as store:
        async for event in store.pull("hf:org/name"):
            ...
    """

    def __init__(
        self,
        root: Path,
        *,
        catalogue: Catalogue = _USUAL_CATALOGUE,
        settings: StoreSettings = _USUAL_SETTINGS,
        clock: Clock | None = None,
    ) -> None:
        self.root = root
        self.catalogue = catalogue
        self.settings = settings
        self._clock = clock or SystemClock()
        self._places = Places(root)
        self._pulls: dict[str, Pull] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # what is here -------------------------------------------------------------------------

    def models(self) -> tuple[Installed, ...]:
        """All models that are complete, by id."""
        return installed(self.root)

    def get(self, id: str) -> Installed:
        """The model of that id. Raises NotFoundError that says what to run."""
        known = {model.id: model for model in self.models()}
        if id in known:
            return known[id]
        if id in self.catalogue or id.startswith(("hf:", "http:", "https:")):
            hint = f"Run: breeze pull {id}"
        else:
            near = difflib.get_close_matches(id, [*known, *self.catalogue], 3, 0.5)
            also = f"Did you mean {' or '.join(near)}? " if near else ""
            hint = f"{also}Run: breeze models --installed"
        raise NotFoundError(
            f"The model {id[:120]} is not on this disk. {hint}", field="model", model=id[:120]
        )

    def size(self, id: str) -> int:
        """Bytes that a model takes; what it only links to counts nothing. Raises NotFoundError."""
        model = self.get(id)
        return own_bytes(model.folder) if model.definition.links else size_of(model.folder)

    def pulls(self) -> tuple[Pulling, ...]:
        """The pulls under way in any process, and those at rest, by id."""
        found = {p.state.id: p.state for p in self._pulls.values() if not p.over}
        for folder in self._places.pulls.glob("*"):
            state = load_state(folder)
            if state is not None and state.id not in found:
                found[state.id] = self._as_it_is(state)
        return tuple(found[id] for id in sorted(found))

    def _as_it_is(self, state: Pulling) -> Pulling:
        """What a process wrote before it was killed is not how it is now."""
        if state.at_rest or is_busy(self._places, state.id):
            return state
        own = self._pulls.get(state.id)
        if own is not None and own.over and own.state.at_rest:
            return own.state  # which a full disk did not take
        return Pulling(
            state.id, "stopped", state.done, state.total, files=state.files,
            files_total=state.files_total, source=state.source,
        )  # fmt: skip

    # pulling ------------------------------------------------------------------------------

    def pull(
        self, reference: str, *, id: str = "", again: bool = False, allow_pickle: bool = False
    ) -> AsyncGenerator[Pulling | Installed]:
        """Fetch a model: how far it is, and at last the model.

        `reference` as in `read_reference`, or the id of a model that is here or was begun; `id`:
        what to call it instead. A model that is here already is not asked for again, unless in
        another revision or with `again`: then what is damaged or has changed is fetched. All who
        pull one id, in whatever process, share one pull. Closing the generator ends the reading
        only. Raises RunnerError.
        """
        asked = self._asked(read_reference(reference))
        if id:
            asked = asked._replace(id=read_reference(id).id)
        return self._pulled(asked, again, allow_pickle)

    def _asked(self, asked: Reference) -> Reference:
        """What is here or was begun comes from where it came from; its id is name enough."""
        if asked.kind != "catalogue" or asked.text in self.catalogue:
            return asked
        resting, here = load_state(self._places.pull(asked.id)), self._installed(asked.id)
        source = resting.source if resting else here.definition.source if here else ""
        known = read_reference(source) if source else asked
        return known._replace(id=asked.id) if known.kind != "catalogue" else asked

    async def _pulled(
        self, asked: Reference, again: bool, allow_pickle: bool
    ) -> AsyncGenerator[Pulling | Installed]:
        here = self._installed(asked.id)
        if here is not None and not again and not self._differs(asked, here):
            yield here
            return
        pull = self._begin(asked, here, allow_pickle)
        async for event in pull.events():
            yield event

    def _differs(self, asked: Reference, here: Installed) -> bool:
        """Whether a revision was named that need not be the one that is here."""
        if not asked.revision or self.settings.offline:
            return False
        return not here.definition.source.startswith(f"hf:{asked.repository}@{asked.revision}")

    def _begin(self, asked: Reference, old: Installed | None, allow_pickle: bool | None) -> Pull:
        """The pull of that id: the one under way, or a new one."""
        pull = self._pulls.get(asked.id)
        if pull is not None and not pull.over:
            return pull
        if self.settings.offline:
            raise UnavailableError(
                f"{asked.text} is not on this disk, and nothing is fetched offline. To fetch it "
                "leave --offline out, unset HF_HUB_OFFLINE and BREEZE_OFFLINE, and set "
                "globalSettings.models.offline to false.",
                detail="offline",
                model=asked.id,
            )
        if asked.kind == "catalogue":
            self.catalogue.find(asked.text)
        pull = Pull(asked.id, asked.text, self._places, self._clock)
        work = pulled(
            pull, asked, self._places, self.catalogue, self.settings, self._clock, old, allow_pickle
        )
        pull.begin(work, lambda: self._installed(asked.id))
        self._pulls[asked.id] = pull
        return pull

    def _installed(self, id: str) -> Installed | None:
        return next((m for m in self.models() if m.id == id), None)

    async def pause(self, id: str) -> Pulling:
        """Stop a pull; what was fetched stays. Raises NotFoundError when there is none."""
        await self._stop(id, "pause")
        state = load_state(self._places.pull(id))
        if state is None:
            raise self._no_pull(id)
        return state

    async def cancel(self, id: str) -> None:
        """Stop a pull and forget what was fetched. Raises NotFoundError when there is none."""
        await self._stop(id, "cancel")
        await in_thread(lambda: forget(self._places.pull(id)))

    async def resume(self, id: str) -> Pulling:
        """Go on with a pull that rests, in the background. Raises NotFoundError."""
        state = load_state(self._places.pull(id))
        if state is None:
            raise self._no_pull(id)
        asked = read_reference(state.source)._replace(id=id)
        return self._begin(asked, self._installed(id), None).state

    async def _stop(self, id: str, wish: Wish) -> None:
        pull, folder = self._pulls.get(id), self._places.pull(id)
        if pull is not None and not pull.over and pull.ours:
            await pull.stop(wish)
            return
        if load_state(folder) is None:
            raise self._no_pull(id)
        if not is_busy(self._places, id):
            return
        ask_to_stop(folder, wish)
        for _ in range(int(_LONGEST_STOP / _POLL)):
            if not is_busy(self._places, id):
                return
            await self._clock.sleep(_POLL)
        raise UnavailableError(
            f"The process that pulls {id} does not answer. End it, or try again.", model=id
        )

    def _no_pull(self, id: str) -> RunnerError:
        return NotFoundError(
            f"There is no pull of {id[:120]}. See: breeze models --installed",
            field="model",
            model=id[:120],
        )

    async def close(self) -> None:
        """Stop what is being pulled here; it stays on the disk and goes on when pulled again."""
        await asyncio.gather(*(p.stop() for p in self._pulls.values() if not p.over))
        self._pulls.clear()

    # keeping order ------------------------------------------------------------------------

    async def remove(self, id: str) -> int:
        """Take a model away; bytes freed. What it links to stays.

        Raises NotFoundError, UnavailableError while it is being pulled.
        """
        model = self.get(id)
        if is_busy(self._places, id):
            raise UnavailableError(
                f"{id} is being pulled. Run first: breeze models cancel {id}", model=id
            )
        return await in_thread(lambda: take_away(self._places, model.folder))

    async def verify(self, id: str) -> Verified:
        """Compare a model's files with the digests that they had. Raises NotFoundError."""
        model = self.get(id)
        return await in_thread(lambda: verified(model))

    async def collect(self, older_than: float = 0.0) -> Collected:
        """Clear away what pulls at rest left, `older_than` seconds ago. Pulls under way are let be,
        and so is what somebody put beside the models."""
        return await in_thread(lambda: collected(self._places, older_than))
