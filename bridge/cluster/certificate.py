"""What a front will find when it checks the certificate of a box."""

from __future__ import annotations

import ssl
from pathlib import Path

from bridge.errors import ConfigError


def seconds_left(certificate: Path, key: Path, now: float) -> float:
    """Seconds until the certificate expires, from `now` (since 1970) on. Raises ConfigError if a server cannot use it with this key, or if
    it is not valid now.

    A server and a client shake hands in memory: the standard library has no other way to read a certificate. The client trusts this
    certificate itself, so whoever signed it does not matter.
    """
    try:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate, key, password=lambda: "")  # else OpenSSL would ask the terminal
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname = False
        client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        client.load_verify_locations(certificate)
        found = _shake_hands(server, client)
    except ssl.SSLCertVerificationError as error:
        raise ConfigError(f"{certificate} is not valid ({error.verify_message}).") from error
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ConfigError(f"The certificate {certificate} or its key cannot be used ({error}).") from error
    return ssl.cert_time_to_seconds(str(found["notAfter"])) - now


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> dict[str, object]:
    """What the client learns of the server's certificate."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):  # each speaks twice at most
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
    return dict(ends[0].getpeercert() or {})
