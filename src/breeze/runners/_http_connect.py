"""Connecting to a server, over TLS where its address says so; and why that failed."""

from __future__ import annotations

import asyncio
import errno
import socket
from functools import cache
from typing import TYPE_CHECKING

from breeze.contracts.errors import UnavailableError
from breeze.runners._http_target import Target

if TYPE_CHECKING:
    import ssl


async def connect(
    protocol: asyncio.Protocol,
    target: Target,
    tls: ssl.SSLContext | None,
    seconds: float,
    loop: asyncio.AbstractEventLoop,
) -> None:
    """Connect `protocol` to `target` within `seconds`. Raises UnavailableError that says why."""
    try:
        async with asyncio.timeout(seconds):
            await loop.create_connection(
                lambda: protocol, target.host, target.port, ssl=tls if target.tls else None
            )
    except (OSError, ValueError) as error:  # TimeoutError and all TLS errors are OSErrors
        raise unreachable(target.authority, error, seconds) from error


@cache
def system_tls() -> ssl.SSLContext:
    """A context that trusts the authorities of this system. Reads files."""
    import ssl

    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def unreachable(where: str, error: BaseException, seconds: float) -> UnavailableError:
    """Why no connection to `where` came about, with what to check."""
    import ssl

    text = str(error)
    if isinstance(error, ConnectionRefusedError) or f"[Errno {errno.ECONNREFUSED}]" in text:
        why = "refused the connection. Start the server there, or correct base_url"
    elif isinstance(error, socket.gaierror):
        why = "is not known: its name has no address. Check base_url and the network"
    elif isinstance(error, ssl.SSLCertVerificationError):
        why = (
            f"has a certificate that cannot be trusted ({error.verify_message}). Check base_url; "
            "for an authority of your own set SSL_CERT_FILE"
        )
    elif isinstance(error, ssl.SSLError):
        why = "does not speak TLS there. Does base_url begin with https:// by mistake?"
    elif isinstance(error, TimeoutError):
        why = f"did not answer within {seconds:g} s. Check base_url, the network and the firewall"
    elif getattr(error, "errno", None) in (errno.EMFILE, errno.ENFILE):
        why = "was not tried: too many files are open here. Raise the limit (ulimit -n)"
    else:
        why = f"cannot be reached: {text or type(error).__name__}. Check base_url and the network"
    return UnavailableError(f"{where} {why}.", detail="network")
