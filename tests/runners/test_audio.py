"""Sound in and out of any encoding: `_audio` decodes and resamples, `_audio_encode` encodes."""

from __future__ import annotations

import io
import struct
from array import array
from itertools import islice
from pathlib import Path

import pytest

from breeze.contracts.errors import InputError, TooLargeError
from breeze.contracts.wav import WAV_HEADER
from breeze.runners._audio import Limit, Resampler, blocks, decode, raw
from breeze.runners._audio_encode import encoder
from breeze.testing.media import pcm, wav

FORMATS = ("wav", "pcm", "mp3", "opus", "aac", "flac")


def heard(sound: bytes | Path, rate: int = 16_000, seconds: float = 60) -> bytes:
    return b"".join(decode(sound, rate, seconds))


def swings(samples: bytes) -> int:
    """How often the sound goes from well below zero to well above: its pitch times its length."""
    count, low = 0, False
    for value in array("h", samples):
        if value < -2_000:
            low = True
        elif value > 2_000 and low:
            count, low = count + 1, False
    return count


def encoded(form: str, sound: bytes, rate: int = 22_050, asked: int | None = None) -> bytes:
    made = encoder(form, rate, asked, 64)
    pieces = [made.feed(sound[at : at + 2_204]) for at in range(0, len(sound), 2_204)]
    return b"".join([*pieces, made.finish()])


@pytest.mark.parametrize("rate", [4_000, 8_000, 11_025, 16_000, 44_100, 96_000])
def test_any_rate_is_decoded_to_the_one_asked_for(rate: int) -> None:
    samples = heard(wav(1.0, rate, 440))

    assert len(samples) / 2 == pytest.approx(16_000, abs=32)
    assert swings(samples) == pytest.approx(440, abs=3)


@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "wav"])
def test_what_was_encoded_is_decoded_again(form: str) -> None:
    samples = heard(encoded(form, pcm(2.0, 22_050, 440)))

    assert len(samples) / 32_000 == pytest.approx(2.0, abs=0.12)  # codecs add some padding
    assert swings(samples) == pytest.approx(880, abs=8)


@pytest.mark.parametrize("form", FORMATS)
def test_encoding_streams(form: str) -> None:
    made = encoder(form, 22_050, None, 64)
    sizes = [len(made.feed(pcm(0.1, 22_050))) for _ in range(20)]
    made.finish()

    assert sum(sizes[:10]) > 0
    assert sum(sizes[10:]) > 0


def test_stereo_and_wide_samples_become_mono_16_bit() -> None:
    frames = b"".join(struct.pack("<ii", 1 << 30, -(1 << 30)) for _ in range(1_600))
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(frames), b"WAVE", b"fmt ", 16, 1,
                       2, 16_000, 128_000, 8, 32, b"data", len(frames))  # fmt: skip
    samples = array("h", heard(head + frames))

    assert len(samples) == 1_600
    assert max(map(abs, samples)) < 200  # the two channels cancel each other out


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    place = tmp_path / "with spaces: and colons.wav"
    place.write_bytes(wav(0.5))

    assert len(heard(place)) == 16_000


def test_a_missing_file_is_an_error_of_the_field_file(tmp_path: Path) -> None:
    for place in (tmp_path / "none.wav", tmp_path, Path("/dev/zero")):
        with pytest.raises(InputError, match="check the path") as caught:
            heard(place)
        assert caught.value.field == "file"


def test_a_name_is_never_taken_for_an_address() -> None:
    with pytest.raises(InputError, match="There is no file"):
        heard(Path("http://127.0.0.1:1/sound.wav"))


def test_a_playlist_opens_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret.wav").write_bytes(wav(1.0))
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{tmp_path}/secret.wav\n#EXT-X-ENDLIST\n"
    for playlist in (hls, f"ffconcat version 1.0\nfile {tmp_path}/secret.wav\n"):
        place = tmp_path / "list.m3u8"
        place.write_text(playlist)
        for source in (playlist.encode(), place):
            with pytest.raises(InputError, match="libav: "):
                heard(source)


@pytest.mark.parametrize(
    "broken",
    [b"hello there " * 100, bytes(5_000), wav(0.5)[:30], b"RIFF" + bytes(100), bytes(range(256))],
)
def test_what_is_no_sound_is_refused_in_the_words_of_libav(broken: bytes) -> None:
    with pytest.raises(InputError, match=r"libav: .+Send WAV, MP3") as caught:
        heard(broken)
    assert caught.value.field == "audio"


def test_a_picture_without_sound_is_refused() -> None:
    silent = io.BytesIO()
    import av

    with av.open(silent, "w", format="mp4") as film:
        stream = film.add_stream("mpeg4", rate=10, width=16, height=16, pix_fmt="yuv420p")
        film.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        film.mux(stream.encode(None))
    with pytest.raises(InputError, match="holds no sound"):
        heard(silent.getvalue())


def test_noise_amid_the_packets_is_passed_over() -> None:
    sound = bytearray(encoded("mp3", pcm(2.0, 22_050)))
    sound[5_000:5_400] = bytes(range(200)) * 2

    assert len(heard(bytes(sound))) / 32_000 > 1.5


def test_decoding_stops_at_the_limit_and_not_after_it() -> None:
    hour = encoded("flac", bytes(2 * 8_000 * 3_600), 8_000)
    assert len(hour) < 700_000  # an hour of silence packs well

    taken: list[bytes] = []
    with pytest.raises(TooLargeError, match="longer than 5 seconds") as caught:
        taken.extend(decode(hour, 16_000, 5))
    assert 0 < sum(map(len, taken)) <= 5 * 32_000
    assert caught.value.field == "audio"
    assert caught.value.data == {"limit": 5}


def test_decoding_is_lazy() -> None:
    blocks = decode(encoded("flac", pcm(5.0, 22_050)), 16_000, 60)

    assert sum(len(block) for block in islice(blocks, 3)) < 32_000


@pytest.mark.parametrize("block", [1, 7, 320, 5_000])
def test_resampling_does_not_depend_on_how_the_sound_was_cut(block: int) -> None:
    sound = pcm(0.5, 8_000)
    whole = Resampler(8_000, 16_000)
    expected = whole.feed(sound) + whole.finish()

    cut = Resampler(8_000, 16_000)
    pieces = [cut.feed(sound[at : at + block]) for at in range(0, len(sound), block)]

    assert b"".join([*pieces, cut.finish()]) == expected
    assert len(expected) == pytest.approx(2 * 8_000, abs=40)


def test_raw_samples_at_the_right_rate_pass_unchanged_up_to_the_limit() -> None:
    sound = pcm(1.0)

    assert b"".join(raw([sound], 16_000, 16_000, Limit(1, 16_000, "audio"))) == sound
    with pytest.raises(TooLargeError, match="longer than 0.5 seconds") as caught:
        list(raw([sound], 16_000, 16_000, Limit(0.5, 16_000, "live")))
    assert caught.value.field == "live"


def test_blocks_are_of_equal_length_but_the_last() -> None:
    assert [len(block) for block in blocks(pcm(0.25), 0.1, 16_000)] == [3_200, 3_200, 1_600]


def test_the_rate_of_an_encoding_is_the_next_it_knows() -> None:
    assert encoder("opus", 22_050, None, 64).sample_rate == 24_000
    assert encoder("mp3", 22_050, None, 64).sample_rate == 22_050
    assert encoder("aac", 192_000, None, 64).sample_rate == 96_000
    assert encoder("wav", 22_050, 4_001, 64).sample_rate == 4_001


def test_a_rate_that_an_encoding_does_not_know_is_refused_with_those_it_does() -> None:
    with pytest.raises(InputError, match="choose from 8000, 12000, 16000, 24000, 48000") as caught:
        encoder("opus", 22_050, 22_050, 64)
    assert caught.value.field == "sample_rate"


def test_more_kilobits_make_more_bytes() -> None:
    sound = pcm(2.0, 22_050)
    for form in ("mp3", "opus", "aac"):
        sizes = []
        for kilobits in (24, 96):
            made = encoder(form, 22_050, None, kilobits)
            sizes.append(len(made.feed(sound) + made.finish()))
        assert sizes[1] > 1.5 * sizes[0], form


def test_nothing_at_all_is_still_a_whole_wav() -> None:
    assert len(encoder("wav", 22_050, None, 64).finish()) == WAV_HEADER
