"""One pull: done once however many ask for it, in this process and in others."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec
from filelock import FileLock, Timeout

from breeze.contracts.clock import Clock
from breeze.contracts.errors import CancelledError, RunnerError, UnavailableError
from breeze.contracts.model_files import Installed
from breeze.contracts.unreadable import UNREADABLE
from breeze.models.disk import disk_error, in_thread, write_whole
from breeze.models.paths import Places
from breeze.models.pulling import Pulling

Wish = Literal["pause", "cancel"]
Work = Callable[[], Awaitable[Installed]]
_STATE, _WISH = "state.json", "wish"
_TICK = 0.1
_SAVE_EVERY = 5


def load_state(folder: Path) -> Pulling | None:
    """How far a pull is, as its process last wrote; None when nobody did."""
    try:
        return msgspec.json.decode((folder / _STATE).read_bytes(), type=Pulling)
    except (OSError, *UNREADABLE):
        return None


def ask_to_stop(folder: Path, wish: Wish) -> None:
    """Tell the process that works on a pull to pause or cancel it."""
    write_whole(folder / _WISH, wish.encode())


def forget(folder: Path) -> None:
    """Throw away all that a pull fetched."""
    shutil.rmtree(folder, ignore_errors=True)


class Pull:
    """`begin` starts it; `events` follows it, for any number of readers."""

    def __init__(self, id: str, source: str, places: Places, clock: Clock) -> None:
        self.state = Pulling(id, source=source)
        self.folder = places.pull(id)
        self._places = places
        self._clock = clock
        self._lock = FileLock(places.lock(id), thread_local=False)
        self._wakes: set[asyncio.Event] = set()
        self._wish: Wish | None = None
        self._followed = False
        """True once another process was seen to work on it."""
        self._task: asyncio.Task[Installed] | None = None
        self.sample: Callable[[], object] = lambda: None
        """Called now and then while it works, to `show` how far it is."""

    @property
    def ours(self) -> bool:
        """True when this process works on it, False when it waits for another one."""
        return self._lock.is_locked

    @property
    def over(self) -> bool:
        """True when nobody works on it any more."""
        return self._task is not None and self._task.done()

    def begin(self, work: Work, there: Callable[[], Installed | None]) -> None:
        """Start it. `work` does it; `there` looks whether another process has done it
        in the meantime."""
        self._task = asyncio.create_task(self._run(work, there))
        self._task.add_done_callback(self._wake)

    def show(self, **changes: object) -> None:
        """Change the state and tell the readers."""
        changed = msgspec.structs.replace(self.state, **changes)
        if changed != self.state:
            self.state = changed
            self._wake()

    async def events(self) -> AsyncGenerator[Pulling | Installed]:
        """The state now and whenever it changes, then the model. Raises RunnerError."""
        assert self._task is not None
        wake, shown = asyncio.Event(), None
        self._wakes.add(wake)
        try:
            while not self._task.done():
                wake.clear()
                if self.state is not shown:
                    shown = self.state
                    yield shown
                await wake.wait()
        finally:
            self._wakes.discard(wake)
        yield _outcome(self._task)

    async def stop(self, wish: Wish | None = None) -> None:
        """End it and wait until it has ended. What was fetched stays, unless it is cancelled."""
        self._wish = self._wish or wish
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    # the work -----------------------------------------------------------------------------

    async def _run(self, work: Work, there: Callable[[], Installed | None]) -> Installed:
        try:
            waited = await self._acquire()
            try:
                if waited and (found := there()) is not None:
                    return found
                if self._followed and load_state(self.folder) is None:
                    raise _stopped(self.state.id, "cancel")
                return await self._work(work)
            finally:
                self._lock.release()
        except OSError as error:
            raise disk_error(error, self.folder) from error

    async def _acquire(self) -> bool:
        """Become the one process that works on this model. True when another did so before."""
        self._lock_folder()
        waited = False
        while True:
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                waited = True
                if (other := load_state(self.folder)) is not None and not other.at_rest:
                    self._followed = True
                    self.show(**{f: getattr(other, f) for f in Pulling.__struct_fields__})
                else:
                    self.show(stage="wait")
                await self._clock.sleep(_TICK)
                continue
            if waited and (last := load_state(self.folder)) and last.stage == "paused":
                self._lock.release()
                raise _stopped(self.state.id, "pause")
            return waited

    def _lock_folder(self) -> None:
        Path(self._lock.lock_file).parent.mkdir(parents=True, exist_ok=True)

    async def _work(self, work: Work) -> Installed:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _WISH).unlink(missing_ok=True)
        self.show(stage="resolve", problem="")
        self._save()
        watch = asyncio.create_task(self._watch(asyncio.current_task()))
        try:
            found = await work()
        except asyncio.CancelledError:
            return self._ended()
        except RunnerError as error:
            self._rest("failed", error.message)
            raise
        except OSError as error:
            self._rest("failed", str(error))
            raise
        finally:
            watch.cancel()
        await in_thread(lambda: forget(self.folder))
        return found

    def _ended(self) -> Installed:
        """It was stopped: say by whom, or let the cancellation of this process go on."""
        if self._wish == "cancel":
            forget(self.folder)
            raise _stopped(self.state.id, "cancel")
        self._rest("paused" if self._wish else "stopped", "")
        if self._wish:
            raise _stopped(self.state.id, "pause")
        raise asyncio.CancelledError

    def _rest(self, stage: str, problem: str) -> None:
        self.show(stage=stage, problem=problem, speed=0.0, eta=None)
        self._save()

    async def _watch(self, worker: asyncio.Task[Installed] | None) -> None:
        """Write the state down for other processes, and do what they wish."""
        ticks = 0
        while True:
            await self._clock.sleep(_TICK)
            ticks += 1
            self.sample()
            with suppress(OSError):
                wish = (self.folder / _WISH).read_text()
                if wish in ("pause", "cancel") and worker is not None and self._wish is None:
                    self._wish = "pause" if wish == "pause" else "cancel"
                    worker.cancel()
            if ticks % _SAVE_EVERY == 0:
                self._save()

    def _save(self) -> None:
        with suppress(OSError):  # it is for others to see; the pull itself tells of a full disk
            write_whole(self.folder / _STATE, msgspec.json.encode(self.state))

    def _wake(self, _: object = None) -> None:
        for wake in self._wakes:
            wake.set()


def _outcome(task: asyncio.Task[Installed]) -> Installed:
    try:
        return task.result()
    except asyncio.CancelledError:
        raise UnavailableError(
            "The pull stopped with its process. Pull again: it goes on where it stopped.",
            detail="stopped",
        ) from None


def _stopped(id: str, wish: Wish) -> RunnerError:
    if wish == "cancel":
        return CancelledError(f"The pull of {id} was cancelled.", detail="cancelled", model=id)
    return CancelledError(
        f"The pull of {id} is paused. Pull it again and it goes on where it stopped.",
        detail="paused",
        model=id,
    )
