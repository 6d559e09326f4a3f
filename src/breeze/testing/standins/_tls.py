"""A certificate for this machine from an authority that lives as long as the process."""

from __future__ import annotations

import ssl


def authority() -> tuple[ssl.SSLContext, bytes]:
    """A server's context, and the certificate (PEM) of the authority that clients must trust."""
    import trustme

    made = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context, made.cert_pem.bytes()
