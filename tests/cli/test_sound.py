"""`say` and `listen`: files that are whole, pipes that flow, and one into the other."""

from __future__ import annotations

import subprocess
import wave

from breeze.contracts.answers import Speech, Transcription
from breeze.contracts.events import Finish, Transcript
from breeze.contracts.wav import WAV_HEADER
from tests.cli.conftest import Done, Shell


def test_say_writes_a_closed_wav_and_prints_its_name(mocked: Shell) -> None:
    done = mocked("say", "good morning", "-o", "hello.wav")
    assert (done.code, done.text) == (0, "hello.wav\n")
    with wave.open(str(mocked.folder / "hello.wav")) as sound:
        size = WAV_HEADER + sound.getnframes() * sound.getsampwidth()
        assert size == (mocked.folder / "hello.wav").stat().st_size
        assert sound.getnframes() / sound.getframerate() > 0.5
    assert "s of wav, 16000 Hz" in done.err


def test_the_ending_of_the_file_picks_the_format(mocked: Shell) -> None:
    done = mocked("say", "good morning", "-o", "hello.pcm", "--json")
    last = done.events[-1]
    assert isinstance(last, Finish)
    assert isinstance(last.result, Speech)
    assert last.result.format == "pcm"
    assert (mocked.folder / "hello.pcm").read_bytes() == last.result.audio


def test_nothing_is_left_under_the_name_when_it_fails(mocked: Shell) -> None:
    done = mocked(
        "say", "hi", "-o", "a.wav", "--voice", "nobody", "--runner", "mock_tts", "--strict"
    )
    assert done.code == 2
    assert "No voice 'nobody'" in done.err
    assert list(mocked.folder.iterdir()) == []


def test_a_pipe_gets_the_sound_and_no_more(mocked: Shell) -> None:
    done = mocked("say", "good morning", "-o", "-")
    assert done.code == 0
    assert done.out.startswith(b"RIFF")
    assert len(done.out) > 20_000


def test_listen_writes_down_what_a_file_says(mocked: Shell) -> None:
    mocked("say", "good morning", "-o", "hello.wav")
    done = mocked("listen", "hello.wav")
    assert done.code == 0
    assert len(done.text.strip()) > 0
    assert "answered by mock_asr" in done.err


def test_listen_shows_when_each_word_was_said(mocked: Shell) -> None:
    sound = mocked("say", "good morning to you all", "-o", "-").out
    words = mocked("listen", "-", "--timestamps", "word", stdin=sound).text.splitlines()
    starts = [float(line.split()[0]) for line in words]
    assert len(words) >= 2
    assert starts == sorted(starts)


def test_listen_gives_a_program_the_hypotheses_too(mocked: Shell) -> None:
    sound = mocked("say", "good morning to you all", "-o", "-").out
    *pieces, last = mocked("listen", "-", "--json", stdin=sound).events
    assert isinstance(last, Finish)
    assert isinstance(last.result, Transcription)
    transcripts = [event for event in pieces if isinstance(event, Transcript)]
    assert any(not event.is_final for event in transcripts)
    finals = [event.text for event in transcripts if event.is_final]
    assert " ".join(finals) == last.result.text


def chained(shell: Shell, *commands: tuple[str, ...]) -> Done:
    """The commands as a shell would join them with pipes; the last one's end."""
    pipe, started = None, []
    for command in commands:
        process = shell.start(*command, stdin=pipe, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if pipe is not None:
            pipe.close()
        pipe = process.stdout
        started.append(process)
    out, err = started[-1].communicate(timeout=60)
    codes = [process.wait(timeout=60) for process in started[:-1]]
    for process in started[:-1]:
        assert process.stderr is not None
        process.stderr.close()
    assert codes == [0] * len(codes)
    return Done(started[-1].returncode, out, err.decode())


def test_say_into_listen(mocked: Shell) -> None:
    done = chained(mocked, ("say", "good morning", "-o", "-"), ("listen", "-"))
    assert done.code == 0
    assert done.text.strip()


def test_a_reader_that_has_enough_is_no_failure(mocked: Shell) -> None:
    text = "word " * 4000
    process = mocked.start("say", text, "-o", "-", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read(4) == b"RIFF"
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, b"Traceback" in err) == (0, False), err


def test_the_voices_are_listed(mocked: Shell) -> None:
    rows = [line.split() for line in mocked("say", "--list-voices").text.splitlines()]
    assert ["mock_tts", "mock-low"] in [row[:2] for row in rows]
    assert mocked("say").code == 2
