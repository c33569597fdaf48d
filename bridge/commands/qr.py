"""A link as a QR code for a terminal. The only importer of segno."""

from __future__ import annotations

import io


def code(link: str) -> str:
    """The code as lines of half blocks, light on dark. "" without the package, which comes with clipbridge[network]."""
    try:
        import segno
    except ImportError:
        return ""
    out = io.StringIO()
    segno.make(link, error="l", micro=False).terminal(out=out, compact=True)
    return out.getvalue().rstrip("\n")
