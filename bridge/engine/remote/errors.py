"""What can go wrong between a front and a box, and the errors that a box reports."""

from __future__ import annotations

import http.client
import json
import ssl

from bridge import errors
from bridge.errors import ClipbridgeError, EngineLost, JobCancelled, Stopping

MOST_WHY_CHARACTERS = 400
CODES = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ClipbridgeError)}


class Unreachable(ClipbridgeError, code="unreachable"):
    """The box cannot be reached, or is not ready: nothing was begun, and it may be asked again."""


class Refused(Unreachable, code="refused"):
    """The box, or who answers for it, refuses this front until somebody changes something: a token, a certificate, a version, a
    checkpoint."""


class Busy(Unreachable, code="busy"):
    """The box has no free place in its queue."""


def of_connection(name: str, error: BaseException) -> Unreachable:
    """The error of a connection that could not be made, or that failed before anything was begun."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message or str(error)
        return Refused(
            f"The certificate of {name} is not valid ({why}): renew it there, or set engine.ca_file to the one that signed it."
        )
    if isinstance(error, ssl.SSLError):
        return Refused(
            f"{name} does not speak TLS as expected ({error.reason or error}): use http:// or https:// as it does."
        )
    if isinstance(error, TimeoutError):
        return Unreachable(f"{name} does not answer.")
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(f"{name} answers, but clipbridge serve does not run there.")
    if isinstance(error, http.client.HTTPException) and not isinstance(error, ConnectionError):
        return not_a_box(name, "it does not speak HTTP as expected")
    return Unreachable(
        f"{name} cannot be reached ({getattr(error, 'strerror', None) or error or type(error).__name__})."
    )


def not_a_box(name: str, why: str) -> Refused:
    """The error of a program that answers at the address, and is another one."""
    return Refused(f"What answers on {name} is not clipbridge serve ({printable(why)[:80]}).")


def of_answer(name: str, status: int, body: bytes) -> ClipbridgeError:
    """The error of an answer with another status than 200."""
    code, why = _said(body)
    if status in (502, 504) or (status == 503 and code == "no_model"):
        return Unreachable(why or f"{name} is behind a server that does not reach it (HTTP {status}).")
    if status == 503:
        return Busy(why or f"{name} is busy.")
    if status in (401, 403, 404, 405, 407, 409) or status < 400:
        return Refused(why or f"{name} refuses this front (HTTP {status}): is the address that of clipbridge serve?")
    if status >= 500 or not code:
        return EngineLost(why or f"{name} failed on this job (HTTP {status}). This clip is lost: ask for it again.")
    return reported(code, why)


def reported(code: str, why: str) -> ClipbridgeError:
    """The error that a box reports for a job."""
    if code not in CODES or code in (EngineLost.code, JobCancelled.code, Stopping.code):
        # Nobody here cancelled it, so the box gave it up.
        return EngineLost(printable(why) or "The box gave this clip up: ask for it again.")
    error = ClipbridgeError(printable(why))
    error.code = code
    return error


def _said(body: bytes) -> tuple[str, str]:
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    code, why = (values.get("code"), values.get("why")) if isinstance(values, dict) else (None, None)
    if not isinstance(code, str) or not isinstance(why, str):
        return "", ""
    return code, printable(why)


def printable(why: str) -> str:
    """The beginning of a text from a box, in one line."""
    return "".join(one if one.isprintable() else "?" for one in why[:MOST_WHY_CHARACTERS])
