"""The checks of `clipbridge doctor --serve`: who reaches the box, and Ray's ports. None loads torch."""

from __future__ import annotations

import http.client
import importlib.util
import ssl
import time
from collections.abc import Iterator

from bridge.cluster import certificate, ray_ports, serving
from bridge.cluster.app import HEALTHY
from bridge.cluster.serving import Place
from bridge.doctor.check import Check, fault, ok, warning
from bridge.errors import ClipbridgeError, PortTaken
from bridge.system import portable

LEAST_LEFT_S = 14 * 86_400.0
ANSWER_S = 2.0


def checks(place: Place) -> Iterator[Check]:
    """Everything but torch and the checkpoint, which are checked as for a daemon."""
    yield server()
    yield access(place)
    if place.token_file is not None:
        yield token(place)
    if place.certificate is not None and place.key is not None:
        yield tls(place)
    yield port(place)
    yield ray()


def server() -> Check:
    """Check that the server is installed."""
    if importlib.util.find_spec("uvicorn") is None:
        return fault("server", "uvicorn is missing", "pip install '.[serve]' in the folder of Clipbridge")
    has_ray = importlib.util.find_spec("ray") is not None
    return ok("server", f"uvicorn{'; Ray, for --ray' if has_ray else ''}")


def access(place: Place) -> Check:
    """Check that who reaches the box needs a token."""
    try:
        serving.check(place, creates=False)
    except ClipbridgeError as error:
        return fault("access", str(error), "Correct the options of clipbridge serve.")
    if place.is_loopback:
        return ok("access", f"{place.host}: programs on this machine, and others by an SSH tunnel")
    what = f"{place.host} can be reached from other machines"
    if place.certificate is None:
        return warning(
            "access",
            f"{what}, with a token that travels unencrypted",
            "Use --certificate and --key, or an SSH tunnel, unless nobody else shares the network.",
        )
    return ok("access", f"{what}, with a token and TLS")


def token(place: Place) -> Check:
    """Check the token file, which `access` has read."""
    file = place.token_file
    assert file is not None
    try:
        if not file.exists():
            return ok("token", f"{file} does not exist: clipbridge serve writes a new token into it")
        count = len(serving.tokens.read(file))
        if not portable.is_private(file):
            return warning("token", f"other users of this machine can read {file}", f"chmod 600 {file}")
    except (ClipbridgeError, OSError) as error:
        return fault("token", str(error), "Correct or delete the file: a new one gets a new token.")
    return ok("token", f"{file}: {count} {'token' if count == 1 else 'tokens'}")


def tls(place: Place) -> Check:
    """Check the certificate as a front will."""
    assert place.certificate is not None and place.key is not None
    try:
        left_s = certificate.seconds_left(place.certificate, place.key, time.time())
    except ClipbridgeError as error:
        return fault("TLS", str(error), "Name a valid certificate and its key, both as PEM, without a password.")
    what = f"{place.certificate} is valid for {left_s / 86_400:,.0f} days"
    return ok("TLS", what) if left_s > LEAST_LEFT_S else warning("TLS", what, "Renew it.")


def port(place: Place) -> Check:
    """Check that the port is free, or that a box has it."""
    try:
        serving.listen(place).close()
    except PortTaken as error:
        if is_box(place):
            return ok("port", f"a box answers on port {place.port}")
        return fault("port", str(error), "Close that program, or use --port N.")
    except ClipbridgeError as error:
        return fault("port", str(error), "Use an address of this machine for --host.")
    return ok("port", f"{place.host} port {place.port} is free")


def is_box(place: Place) -> bool:
    """Whether a box answers on this machine's port."""
    host = place.host if place.is_loopback else "127.0.0.1"
    connection = http.client.HTTPConnection(host, place.port, timeout=ANSWER_S)
    if place.certificate is not None:
        anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # only whether it answers: `tls` checks the certificate
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, place.port, timeout=ANSWER_S, context=anybody)
    try:
        connection.request("GET", HEALTHY)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def ray() -> Check:
    """Check that nobody else can run code by Ray's ports."""
    processes = ray_ports.running()
    if not processes:
        return ok("Ray", "does not run here; clipbridge serve --ray starts it with a token")
    names = ", ".join(sorted({process.name for process in processes}))
    if not all(process.is_known for process in processes):
        return warning("Ray", f"{names} of another user: it cannot be checked", "Run this as that user.")
    ports = sorted({port for process in processes for port in process.ports if not process.has_token})
    if ports:
        shown = ", ".join(map(str, ports))
        return fault(
            "Ray",
            f"whoever reaches this machine's ports {shown} can run any code here: {names} demand no token",
            "ray stop, then RAY_AUTH_MODE=token ray start … on every machine of the cluster.",
        )
    guarded = all(process.has_token for process in processes)
    return ok("Ray", f"{names}: {'with a token' if guarded else 'only for this machine'}")
