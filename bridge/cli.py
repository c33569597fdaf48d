"""The command line. Each command is imported only when it is chosen, so that `generate` starts at once."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys

from bridge import __version__
from bridge.config import COMPUTES, DEFAULT_OSC_PORT
from bridge.errors import ClipbridgeError

EXIT_CODES = """\
exit codes: 0 done · 1 the job failed · 2 wrong usage · 3 no daemon answers · 4 the OSC port is taken ·
5 Clipbridge is running already · 6 the sample folder cannot be written · 7 no usable checkpoint ·
8 wrong configuration · 9 no audio device · 10 the library cannot be used · 130 interrupted"""


# Keys of /bridge/generate that the command line has as options.
GENERATE_KEYS = (
    "preset",
    "seed",
    "negative",
    "steps",
    "guidance",
    "takes",
    "note",
    "transcript",
    "deadline_s",
    "sink",
    "gain",
    "pan",
    "key",
    "loop",
    "trim",
    "fade_in_ms",
    "fade_out_ms",
    "lufs",
    "format",
    "bits",
    "channels",
    "bars",
    "bpm",
    "quantize",
)
# Keys of /bridge/kit that the command line has as options, beside the preset.
KIT_KEYS = ("notes", "seconds", "seed", "negative", "steps", "guidance")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    options = parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a Windows console or pipe may know only some letters
            stream.reconfigure(errors="replace")
    try:
        command = importlib.import_module(f"bridge.commands.{options.command}")
        code = int(command.main(options))
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except ClipbridgeError as error:
        print(f"clipbridge: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output has enough (| head)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def parser() -> argparse.ArgumentParser:
    """All commands and options. Option names are those of the OSC keys."""
    top = argparse.ArgumentParser(
        prog="clipbridge",
        description="Text prompts as a playable instrument: clips from a warmed AudioLDM 2, asked for over OSC.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"clipbridge {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="start the daemon", epilog=EXIT_CODES)
    run.add_argument("--folder", help="sample folder (default: Clipbridge in your music folder)")
    run.add_argument(
        "--inbox",
        metavar="DIR",
        help='lists of prompts dropped into it become clips (default: Clipbridge Inbox in your music folder; "": none)',
    )
    run.add_argument("--model", help="checkpoint folder, or the name of a model in the hub's cache")
    run.add_argument("--compute", choices=COMPUTES, help="what computes (default: auto)")
    run.add_argument(
        "--audio-device", metavar="NAME", help="open this audio output at the start (default: when needed)"
    )
    run.add_argument("--midi", metavar="NAME", help="let the notes of this MIDI input play the pads")
    run.add_argument("--link", action="store_true", default=None, help="share the tempo with Ableton Link")
    run.add_argument("--osc-port", type=int, metavar="N", help=f"UDP port to listen on (default: {DEFAULT_OSC_PORT})")
    run.add_argument("--osc-host", metavar="IP", help="address to listen on; beyond 127.0.0.1 needs osc.allow")
    run.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="any setting of config.toml"
    )
    run.add_argument("--json", action="store_true", help="one JSON object a line, for programs")

    ask = commands.add_parser("generate", help="ask the running daemon for a clip", epilog=EXIT_CODES)
    ask.add_argument("prompt", nargs="?")
    ask.add_argument("seconds", nargs="?")
    for name in GENERATE_KEYS:
        ask.add_argument(f"--{name.replace('_', '-')}")
    ask.add_argument(
        "--ask-file",
        metavar="FILE",
        help="for hosts: read the ask as JSON from FILE, write the events to FILE.events; cancelled when FILE is removed",
    )
    ask.add_argument("--osc-port", type=int, metavar="N", help=f"the daemon's port (default: {DEFAULT_OSC_PORT})")
    ask.add_argument("--json", action="store_true", help="one JSON object a line, for programs")

    recall = commands.add_parser("recall", help="make clips again from the recipes in their files", epilog=EXIT_CODES)
    recall.add_argument("file", nargs="+")
    recall.add_argument("--osc-port", type=int, metavar="N", help=f"the daemon's port (default: {DEFAULT_OSC_PORT})")
    recall.add_argument("--json", action="store_true", help="one JSON object a line, for programs")

    pull = commands.add_parser("pull", help="fetch a checkpoint, AudioLDM 2 for example", epilog=EXIT_CODES)
    pull.add_argument(
        "name", help="audioldm2, audioldm2-music, audioldm2-large, or owner/name of any AudioLDM 2 checkpoint"
    )
    pull.add_argument("--json", action="store_true", help="one JSON object a line, for programs")

    models = commands.add_parser("models", help="list the checkpoints, or change to another one", epilog=EXIT_CODES)
    models.add_argument("--use", metavar="NAME", help="let the running daemon go on with this checkpoint")
    models.add_argument("--osc-port", type=int, metavar="N", help=f"the daemon's port (default: {DEFAULT_OSC_PORT})")
    models.add_argument("--json", action="store_true", help="as JSON, for programs")

    kit = commands.add_parser("kit", help="let the daemon make a folder of one-shots for a sampler", epilog=EXIT_CODES)
    kit.add_argument("name", nargs="?")
    kit.add_argument("prompts", nargs="*", metavar="prompt", help="'deep kick', '36:deep kick', 'c4:glassy bell' …")
    kit.add_argument("--preset", help="a kit by its name; with prompts: the preset of all sounds (default: drum)")
    for name in KIT_KEYS:
        kit.add_argument(f"--{name}")
    kit.add_argument("--list", action="store_true", help="list the kit presets")
    kit.add_argument("--osc-port", type=int, metavar="N", help=f"the daemon's port (default: {DEFAULT_OSC_PORT})")
    kit.add_argument("--json", action="store_true", help="one JSON object a line, for programs")

    presets = commands.add_parser("presets", help="list the presets", epilog=EXIT_CODES)
    presets.add_argument("--json", action="store_true", help="as JSON, for programs")

    devices = commands.add_parser("devices", help="list the audio outputs and MIDI inputs", epilog=EXIT_CODES)
    devices.add_argument("--json", action="store_true", help="as JSON, for programs")

    scripts = commands.add_parser("scripts", help="put the script of a host where it looks for it", epilog=EXIT_CODES)
    scripts.add_argument("what", choices=("list", "install"))
    scripts.add_argument("host", nargs="?", help="supercollider, pure_data, reaper …: see list")
    scripts.add_argument("--to", metavar="FOLDER", help="another folder than the host's usual one")
    scripts.add_argument("--overwrite", action="store_true", help="also files that you changed")
    scripts.add_argument("--json", action="store_true", help="as JSON, for programs")

    bench = commands.add_parser("bench", help="measure the engine beside the plain pipeline", epilog=EXIT_CODES)
    bench.add_argument("--model", help="checkpoint folder, or the name of a model in the hub's cache")
    bench.add_argument("--random-weights", choices=("base", "music", "large"), help="real size without a download")
    bench.add_argument("--compute", choices=COMPUTES, help="what computes (default: auto)")
    bench.add_argument("--seconds", type=float, action="append", help="length of the clips; may be repeated")
    bench.add_argument("--rounds", type=int, default=5, help="clips of each kind and length (default: 5)")
    bench.add_argument("--requests", type=int, default=100, help="random requests (default: 100)")
    bench.add_argument("--compile-recipe", action="store_true", help="compile the recipe's UNet, as it says: minutes")
    bench.add_argument("--json", action="store_true", help="as JSON, for programs")

    find = commands.add_parser(
        "find", help="find clips again", epilog=f"{EXIT_CODES}\nfind ends with 1 if nothing is found"
    )
    find.add_argument("words", nargs="*", help="beginnings of words of the prompt, file name, preset or sub-folder")
    find.add_argument("--bpm", metavar="FROM..TO", help="120, 120..130, 120.. or ..130")
    find.add_argument("--seconds", metavar="FROM..TO", help="likewise")
    find.add_argument("--note", help="c3, a#4 …")
    find.add_argument("--key", help="c, f#m, eb minor …")
    find.add_argument("--favourite", action="store_true", help="favourites only")
    find.add_argument("--rating", metavar="FROM..TO", help="0 to 5: 3..5 or 3..")
    find.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many (default: 20)")
    find.add_argument("--json", action="store_true", help="as JSON, for programs")

    again = commands.add_parser("resume", help="ask again for what a crash interrupted", epilog=EXIT_CODES)
    again.add_argument("--list", action="store_true", help="only say what it is")
    again.add_argument("--osc-port", type=int, metavar="N", help=f"the daemon's port (default: {DEFAULT_OSC_PORT})")
    again.add_argument("--json", action="store_true", help="as JSON, for programs")

    imports = commands.add_parser("import", help="take the clips of a folder into the library", epilog=EXIT_CODES)
    imports.set_defaults(command="importing")  # import is a word of Python
    imports.add_argument("folder", metavar="FOLDER", help="clips of ours in it, and in its sub-folders, carry recipes")
    imports.add_argument("--json", action="store_true", help="as JSON, for programs")

    doctor = commands.add_parser("doctor", help="look at the whole set-up and say what to mend", epilog=EXIT_CODES)
    doctor.add_argument("--json", action="store_true", help="as JSON, for programs")
    return top


if __name__ == "__main__":
    sys.exit(main())
