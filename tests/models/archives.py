"""Archives that tests make: sound ones, and those that mean harm."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping


def zipped(files: Mapping[str, bytes], mode: int = 0o100644) -> bytes:
    """A zip of these files, packed; `mode` says of what kind they are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return out.getvalue()


def tarred(files: Mapping[str, bytes], form: str = "bz2", kind: bytes = tarfile.REGTYPE) -> bytes:
    """A tar of these files in `form`: `bz2`, `gz` or empty for none; `kind` of entry."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{form}") as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(data)
            else:
                info.linkname = data.decode()
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()
