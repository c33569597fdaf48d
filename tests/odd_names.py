"""Names that are hard to write into a file of another program, and a program that shows how they were read."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

ODD = [
    'Jürgen Müller\'s 50% of "it" & <more>',
    "$HOME ${HOME} $$ `id` %h %f %%",
    "back\\slash \\n and \\",
    "日本語 #1; (a|b) * ? ! ~ = :",
    "",
]
WAIT_S = 10.0


def program_that_writes_its_words(folder: Path) -> Path:
    """A program whose path is odd, and which writes its arguments into a file."""
    program = folder / "50% $HOME \"q\" 'p' & ü\\n" / "start it"
    program.parent.mkdir()
    code = "import os, sys; f = sys.argv[0] + '.words'; open(f + '~', 'w').write('\\0'.join(sys.argv[1:]))"
    program.write_text(f"#!{sys.executable}\n{code}; os.replace(f + '~', f)\n", "utf-8")
    os.chmod(program, 0o755)
    return program


def written_words(program: Path) -> list[str]:
    """The arguments that the program was started with; waits until it has written them."""
    file, end = program.with_name(program.name + ".words"), time.monotonic() + WAIT_S
    while not file.is_file() and time.monotonic() < end:
        time.sleep(0.02)
    return file.read_text("utf-8").split("\0")
