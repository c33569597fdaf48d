"""How each system writes a command line into a file. A word may hold blanks, quotes, percent signs and any other character."""

from __future__ import annotations

import re
from collections.abc import Sequence

PLAIN = re.compile(r"[\w@+=:,./-]+", re.ASCII)
# PowerShell takes the typographic quotes for straight ones.
POWERSHELL_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")


def systemd_word(word: str) -> str:
    """One word of a line in a unit: systemd.syntax(7), "Quoting"; a percent sign begins a specifier."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return '"' + escaped.replace("%", "%%") + '"'


def systemd_command(words: Sequence[str]) -> str:
    """The value of `ExecStart=`. systemd accepts no program with quotes or backslashes. A colon before the program keeps it from
    replacing variables (systemd.service(5)); versions before 244 do not know it, so it is only there if a word has a dollar sign."""
    program, *rest = by_shell(words, r"""["'\\]""")
    colon = ":" if any("$" in word for word in (program, *rest)) else ""
    return " ".join(systemd_word(word) for word in (colon + program, *rest))


def desktop_text(text: str) -> str:
    """A value of type string in a desktop entry."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def desktop_command(words: Sequence[str]) -> str:
    """The value of `Exec=` in a desktop entry. Its words are quoted first, and the whole is escaped as any other string after
    that; a percent sign begins a field code (Desktop Entry Specification, "The Exec key"). A program must not have an equals
    sign, and GLib does not find one with a percent sign."""
    words = by_shell(words, "[=%]")
    quoted = (word if PLAIN.fullmatch(word) else '"' + re.sub(r'(["`$\\])', r"\\\1", word) + '"' for word in words)
    return desktop_text(" ".join(quoted).replace("%", "%%"))


def by_shell(words: Sequence[str], refused: str) -> Sequence[str]:
    """`words`, or a command that starts them through a shell if the program has a character that is `refused` (a pattern)."""
    return ["/bin/sh", "-c", 'exec "$0" "$@"', *words] if re.search(refused, words[0]) else words


def powershell_text(text: str) -> str:
    """A text in a PowerShell script, in which nothing is replaced."""
    return "'" + POWERSHELL_QUOTES.sub(r"\1\1", text) + "'"
