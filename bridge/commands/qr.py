"""A link as a QR code for a terminal. The only importer of segno."""

from __future__ import annotations

import io
import sys

WHITE_ON_BLACK, PLAIN = "\033[97;40m", "\033[0m"


def code(link: str, coloured: bool) -> str:
    """The code as lines of half blocks, light on dark. `coloured`: whatever the terminal's own colours are. Without the package, which
    comes with the extra `network`, a sentence."""
    try:
        import segno
    except ImportError:
        return "(Install segno to see the link as a code.)"
    out = io.StringIO()
    segno.make(link, error="l", micro=False).terminal(out=out, compact=True)
    lines = out.getvalue().rstrip("\n").split("\n")
    if coloured and sys.platform != "win32":  # whose older consoles show the escapes
        lines = [f"{WHITE_ON_BLACK}{line}{PLAIN}" for line in lines]
    return "\n".join(lines)
