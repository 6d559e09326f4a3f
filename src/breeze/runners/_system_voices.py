"""The programs of this machine that speak: their voices, and the command that says a text."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Generator
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from breeze.contracts.errors import InputError, NotFoundError, SynthesisError
from breeze.contracts.events import Adjusted
from breeze.contracts.requests import SpeakRequest
from breeze.runners._program import ProgramFailed, output, running
from breeze.runners._wav_stream import NoWav, samples

_WPM = 175
"""Words a minute that programs take for a usual pace."""
_SLOWEST = 80
Gone = Callable[[], bool]


class Voice(NamedTuple):
    """A voice: what callers name, the language it speaks (BCP 47)."""

    key: str
    language: str


class Program(NamedTuple):
    """A program that speaks: its name, where it is, and its usual voice and rate."""

    name: str
    path: str
    usual: str
    rate: int

    def command(self, voice: str, pace: float, text: str, file: str) -> list[str]:
        """What says `text` with `voice`; `file` is for those that write no stream."""
        wpm = str(max(_SLOWEST, round(_WPM * pace)))
        if self.name == "flite":
            stretch = f"duration_stretch={1 / pace:.3f}"
            return [
                self.path, "-voice", voice, "--setf", stretch, "-t", text, "-o", "/dev/stdout"
            ]  # fmt: skip
        if self.name == "say":
            chosen = ["-v", voice] if voice else []
            form = ["--file-format=WAVE", f"--data-format=LEI16@{self.rate}"]
            return [self.path, *chosen, "-r", wpm, "-o", file, *form, "-f", "-"]
        return [self.path, "--stdin", "--stdout", "-v", voice, "-s", wpm]

    def say(self, text: str, voice: str, pace: float, gone: Gone) -> Generator[tuple[int, bytes]]:
        """Hz and PCM of `text` as the program makes them. Raises SynthesisError."""
        try:
            if self.name == "say":
                yield from self._say_by_file(text, voice, pace, gone)
                return
            command = self.command(voice, pace, text, "")
            with running(command, text.encode(), gone) as program:
                yield from samples(program.pieces())
        except (ProgramFailed, NoWav, OSError) as error:
            if not gone():
                raise SynthesisError(
                    f"{self.name} could not say this ({error}): try it by hand, or set "
                    "speech_program to another."
                ) from error

    def _say_by_file(
        self, text: str, voice: str, pace: float, gone: Gone
    ) -> Generator[tuple[int, bytes]]:
        with tempfile.TemporaryDirectory(prefix="breeze-") as folder:
            file = Path(folder) / "said.wav"
            output(self.command(voice, pace, text, str(file)), text.encode(), gone)
            yield from samples([file.read_bytes()])

    def voices(self) -> tuple[Voice, ...]:
        """Its voices, the usual one first. Blocks for some milliseconds; raises SynthesisError."""
        try:
            told = output([self.path, *_LISTING[self.name]], b"", lambda: False)
        except ProgramFailed as error:
            raise SynthesisError(f"{self.name} does not tell its voices: {error}.") from error
        found = _READ[self.name](told.decode(errors="replace"))
        listed = {voice.key: voice for voice in found}
        return tuple(sorted(listed.values(), key=lambda voice: voice.key != self.usual))


_LISTING = {"espeak-ng": ["--voices"], "flite": ["-lv"], "say": ["-v", "?"]}


def _table(told: str) -> list[Voice]:
    """A table with a heading: priority, language, …"""
    rows = (line.split() for line in told.splitlines()[1:])
    return [Voice(row[1], row[1]) for row in rows if len(row) > 3]


def _named(told: str) -> list[Voice]:
    """`Voices available: kal awb …`, all of them US English."""
    return [Voice(name, "en-us") for name in told.partition(":")[2].split()]


def _described(told: str) -> list[Voice]:
    """`Alex    en_US    # Hello …`, where names may have spaces."""
    rows = (re.match(r"(.+?)\s+([a-z]{2,3}[_-]\w+)\s+#", line) for line in told.splitlines())
    return [Voice(row[1], row[2].replace("_", "-").lower()) for row in rows if row]


_READ = {"espeak-ng": _table, "flite": _named, "say": _described}
_KNOWN = (("say", "", 22_050), ("espeak-ng", "en-us", 22_050), ("flite", "slt", 16_000))
"""In the order in which they are taken: what the platform offers itself comes first."""


def speaker(wanted: str) -> Program | None:
    """The program that speaks here, or None. `wanted`: its name, or auto."""
    for name, usual, rate in _KNOWN:
        if wanted in ("auto", name) and (path := shutil.which(name)):
            return Program(name, path, usual, rate)
    return None


def chosen(
    program: Program, voices: tuple[Voice, ...], request: SpeakRequest, usual: str
) -> tuple[str, tuple[Adjusted, ...]]:
    """The voice for a request, and what of it is not as asked. Raises NotFoundError, InputError."""
    known = {voice.key.casefold(): voice for voice in voices}
    language = request.language.lower().replace("_", "-")
    name = request.voice or ("" if language else usual)
    if name:
        voice = known.get(name.casefold())
        if voice is None:
            near = ", ".join(get_close_matches(name.casefold(), known, n=3)) or ", ".join(known)
            raise NotFoundError(
                f"{program.name} has no voice {name!r}: choose from {near[:200]}.", field="voice"
            )
    else:
        voice = _speaking(program, voices, language)
    if not language or voice.language == language:
        return voice.key, ()
    why = f"the voice {voice.key or program.name} speaks {voice.language}"
    return voice.key, (Adjusted("language", request.language, voice.language, why),)


def _speaking(program: Program, voices: tuple[Voice, ...], language: str) -> Voice:
    if not language:
        return voices[0] if program.usual and voices else Voice(program.usual, "")
    tag = language
    while tag:
        for voice in voices:
            if voice.language == tag or (voice.language.startswith(f"{tag}-")):
                return voice
        tag = tag.rpartition("-")[0]
    raise InputError(f"No voice of {program.name} speaks {language!r}.", field="language")
