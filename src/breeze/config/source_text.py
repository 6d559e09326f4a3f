"""The text of a file that people write, and what is said when something in it is wrong."""

from __future__ import annotations

from pathlib import Path

from breeze.contracts.errors import InputError


def read_text(path: Path, *, most: int | None = None) -> str:
    """What stands in the file, of at most `most` bytes.

    Raises FileNotFoundError, or InputError that says why, and where it is no UTF-8.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}; nothing was changed. Allow reading it.",
            data={"file": str(path), "errno": error.errno},
        ) from error
    if most is not None and len(data) > most:
        raise InputError(f"{path} has more than {most} bytes.", data={"file": str(path)})
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8")
        raise broken(path, *place(before, len(before)), "is not UTF-8 text") from None


def place(text: str, position: int) -> tuple[int, int]:
    """Line and column of a position, both from 1."""
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


def broken(path: Path, line: int, column: int, what: str) -> InputError:
    """The refusal of a file."""
    return InputError(
        f"{path}, line {line}, column {column}: {what}. "
        "Nothing was changed; correct the file, or move it away to start afresh.",
        data={"file": str(path), "line": line, "column": column},
    )
