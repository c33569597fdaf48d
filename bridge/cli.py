"""The command line. Each command is imported when it is run, so that `generate` starts at once."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bridge import __version__
from bridge.commands.parsing import Parser, parse
from bridge.config import COMPUTES, DEFAULT_OSC_PORT, DEFAULT_SERVE_PORT
from bridge.domain.learning import DEFAULT_MINUTES, HOWS
from bridge.domain.limits import ORDERS
from bridge.errors import ClipbridgeError

if TYPE_CHECKING:
    from bridge.domain.fields import Field

EXIT_CODES = """\
exit codes: 0 done · 1 the job failed · 2 wrong usage · 3 no daemon answers · 4 the OSC port is taken ·
5 Clipbridge is running already · 6 the sample folder cannot be written · 7 no usable checkpoint ·
8 wrong configuration · 9 no audio device · 10 the library cannot be used · 11 no window can be opened · 130 interrupted"""


METAVARS = {"text": "TEXT", "note": "NOTE", "key": "KEY", "source": "SOUND"}
SOURCE = "an audio file, last (your last clip), or clip: and the number that clipbridge find prints"
# Options of several commands.
ENGINE: dict[str, Any] = {"metavar": "URL", "help": "use the engine of another machine, where clipbridge serve runs"}
LORA: dict[str, Any] = {
    "action": "append",
    "metavar": "FILE[:STRENGTH]",
    "help": "LoRA file for the checkpoint, or a model that was learned with --how lora; strength: 0 to 2 (default: 1)",
}
SET: dict[str, Any] = {
    "action": "append",
    "default": [],
    "metavar": "SECTION.KEY=VALUE",
    "help": "change any setting of config.toml for this run",
}
PART_TITLES = {
    "sound": "the sound",
    "shape": "shaping the samples",
    "playback": "playback",
    "job": "the job",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parse(*parser(with_keys=arguments[:1] != ["panel"]), arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a Windows console or pipe may lack some characters
            stream.reconfigure(errors="replace")
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # those of libraries; ours are sentences
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
        print("clipbridge: cancelled", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader closed the pipe, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def add_fields(command: argparse.ArgumentParser, fields: Iterable[Field]) -> None:
    """Add an option to a command for each key, in groups, with its sentence from the table of keys."""
    by_part = sorted(fields, key=lambda field: list(PART_TITLES).index(field.part))
    groups = {part: command.add_argument_group(PART_TITLES[part]) for part in {field.part: None for field in by_part}}
    for field in by_part:
        notes = [field.values] if field.kind in ("number", "whole", "flag") else []
        default = f"{field.default:g}" if isinstance(field.default, float) else field.default
        unless = " without a preset" if field.in_presets else ""
        notes += [f"default{unless}: {default}"] if field.default is not None else []
        notes += [SOURCE] if field.kind == "source" else []
        help = field.what + (f" ({'; '.join(notes)})" if notes else "")
        metavar = "|".join(map(str, field.choices)) or METAVARS.get(field.kind, "N")
        option = f"--{field.name.replace('_', '-')}"
        groups[field.part].add_argument(option, metavar=metavar, help=help.replace("`", "").replace("%", "%%"))


def daemon_options(*parents: Parser) -> Parser:
    """The options that override the configuration."""
    options = Parser(add_help=False, parents=parents)
    options.add_argument("--engine", **ENGINE)
    options.add_argument("--folder", help="sample folder (default: Clipbridge in your music folder)")
    options.add_argument(
        "--inbox",
        metavar="DIR",
        help='folder whose lists of prompts become clips (default: Clipbridge Inbox in your music folder; "": none)',
    )
    options.add_argument(
        "--audio-device", metavar="NAME", help="audio output to open at the start (default: when needed)"
    )
    options.add_argument("--lora", **LORA)
    options.add_argument("--midi", metavar="NAME", help="MIDI input whose notes play the pads")
    options.add_argument("--link", action="store_true", default=None, help="share the tempo with Ableton Link")
    options.add_argument(
        "--touch", action="store_true", default=None, help="serve pads for a tablet, and print the code that opens them"
    )
    options.add_argument(
        "--osc-port", type=int, metavar="N", help=f"UDP port to listen on (default: {DEFAULT_OSC_PORT})"
    )
    options.add_argument("--osc-host", metavar="IP", help="address to listen on; all but 127.0.0.1 need osc.allow")
    options.add_argument("--set", **SET)
    return options


def place_options() -> Parser:
    """The options that say where a box listens, and to whom."""
    options = Parser(add_help=False)
    group = options.add_argument_group("the box")
    group.add_argument(
        "--host", metavar="IP", help="address to listen on; all but 127.0.0.1 need a token (default: 127.0.0.1)"
    )
    group.add_argument("--port", type=int, metavar="N", help=f"TCP port (default: {DEFAULT_SERVE_PORT})")
    group.add_argument(
        "--token-file", metavar="FILE", help="demand a token from this file; a new file gets a new token"
    )
    group.add_argument("--certificate", metavar="FILE", help="TLS: the certificate, as PEM")
    group.add_argument("--key", metavar="FILE", help="TLS: its key, as PEM")
    return options


def parser(with_keys: bool = True) -> tuple[Parser, dict[str, Parser]]:
    """The whole command line, and the parser of each command. Option names are those of the OSC keys; without them, which the
    panel does not need, it takes half the time."""
    top = Parser(
        prog="clipbridge",
        description="Text prompts as a playable instrument: clips from a warmed AudioLDM 2, requested over OSC.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    port, lines, as_json, weights, compute = (Parser(add_help=False) for _ in range(5))
    port.add_argument("--osc-port", type=int, metavar="N", help=f"the daemon's port (default: {DEFAULT_OSC_PORT})")
    lines.add_argument("--json", action="store_true", help="one JSON object a line, for programs")
    as_json.add_argument("--json", action="store_true", help="as JSON, for programs")
    weights.add_argument("--model", help="checkpoint folder, or the name of a model in the hub's cache")
    compute.add_argument("--compute", choices=COMPUTES, help="the device that computes (default: auto)")
    daemon = daemon_options(weights, compute)
    top.add_argument("--version", action="version", version=f"clipbridge {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, help: str, *parents: Parser, usage: str = "", epilog: str = EXIT_CODES) -> Parser:
        # The usage of a command with many options is short, because it is printed with every error.
        return commands.add_parser(
            name,
            help=help,
            description=f"{help[0].upper()}{help[1:]}.",
            usage=f"clipbridge {name} {usage} [OPTION …]" if usage else None,
            epilog=epilog,
            parents=parents,
        )

    run = add("run", "start the daemon", daemon, lines)
    run.add_argument("--until-stdin-ends", action="store_true", help="for programs: stop when standard input ends")

    place = place_options()
    serve = add("serve", "give the engine of this machine to fronts on other machines", weights, compute, place)
    serve.add_argument(
        "--ray", action="store_true", help="serve by Ray Serve: a replica for each GPU, on one machine or many"
    )
    serve.add_argument(
        "--address", default="", metavar="HOST:PORT", help="with --ray: join this cluster (auto: of this machine)"
    )
    serve.add_argument(
        "--replicas", type=int, default=0, metavar="N", help="with --ray: engines (default: one for each GPU)"
    )
    serve.add_argument(
        "--name", default="", metavar="NAME", help="with --ray: the path of this checkpoint, beside others"
    )
    serve.add_argument("--set", **SET)

    panel = add("panel", "open the window: make clips, hear them, drag them into your DAW", port)
    panel.add_argument("--with-daemon", action="store_true", help="also start the daemon, if none runs")
    panel.add_argument("--install-shortcut", action="store_true", help="add the window to your desktop's menu instead")

    ask = add("generate", "ask the running daemon for a clip", port, lines, usage='"PROMPT" [SECONDS]')
    ask.add_argument(
        "prompt",
        nargs="?",
        help="what the clip should sound like; several words in quotes. May be left out with --vary, --continue or --fill",
    )
    length = ask.add_argument("seconds", nargs="?")
    ask.add_argument("rest", nargs="*", help=argparse.SUPPRESS)  # the words of a prompt without quotes
    ask.add_argument(
        "--ask-file",
        metavar="FILE",
        help="for hosts: read the ask as JSON from FILE, write events to FILE.events; removing FILE cancels",
    )

    render = add(
        "render", "make the clips of a long list in a folder of their own", weights, compute, usage="LIST --folder OUT"
    )
    render.add_argument(
        "list", metavar="LIST", help="prompts in a .txt or .toml file, as for the inbox, at most 20,000"
    )
    render.add_argument(
        "--folder", required=True, metavar="OUT", help="where the clips go; those that are finished are kept"
    )
    render.add_argument("--engine", **ENGINE)
    render.add_argument("--lora", **LORA)
    render.add_argument("--set", **SET)

    recall = add("recall", "make clips again from the recipes in their files", port, lines)
    recall.add_argument("file", nargs="+", help="a clip that Clipbridge made")

    pull = add("pull", "fetch a checkpoint, AudioLDM 2 for example", lines)
    pull.add_argument(
        "name",
        help="audioldm2, audioldm2-music, audioldm2-large, ace-step, ace-step-base, stable-audio-open, or owner/name",
    )

    models = add("models", "list the checkpoints, switch to another one, or pass on those that you made", port, as_json)
    models.add_argument("--use", metavar="NAME", help="switch the running daemon to this checkpoint")
    models.add_argument(
        "what",
        nargs="?",
        choices=("export", "import", "remove"),
        help="export NAME FILE: put a model that you learned into one file; import FILE: take one from such a file; remove NAME",
    )
    models.add_argument("names", nargs="*", metavar="NAME or FILE", help="the model, the file")
    models.add_argument("--name", help="with import: another name for the model")

    add("sounds", "list the sounds that a checkpoint knows, with their other names", port, weights, as_json)

    kit = add("kit", "ask the running daemon for a folder of one-shots for a sampler", port, lines,
              usage='"NAME" ["PROMPT" …]')  # fmt: skip
    kit.add_argument("name", nargs="?", help="the name of the kit and of its folder")
    kit.add_argument("prompts", nargs="*", metavar="prompt", help="'deep kick', '36:deep kick', 'c4:glassy bell' …")
    kit.add_argument("--preset", help="a kit by its name; with prompts: the preset of all sounds (default: drum)")
    kit.add_argument("--list", action="store_true", help="list the kit presets")

    learn = add("learn", "learn the sounds of a folder as a model of your own", port, as_json)
    learn.add_argument(
        "folder", metavar="FOLDER", help="your sounds; the names of files and folders become their words"
    )
    learn.add_argument("--name", required=True, help="the name of the model, such as my-drums")
    learn.add_argument(
        "--how",
        choices=HOWS,
        help="tokens: a model of its own; lora: a change of the starter, with the name as its word (default: tokens if there is a base)",
    )
    learn.add_argument(
        "--minutes", type=float, metavar="N", help=f"how long it learns at most (default: {DEFAULT_MINUTES:g})"
    )

    add("presets", "list the presets", as_json)

    add("devices", "list the audio outputs and MIDI inputs", daemon, as_json)

    scripts = add("scripts", "install a host's script where the host looks for it", as_json)
    scripts.add_argument("what", choices=("list", "install"), help="list all scripts, or install the one of a host")
    scripts.add_argument("host", nargs="?", help="supercollider, pure_data, reaper …: see list")
    scripts.add_argument("--to", metavar="FOLDER", help="install into this folder instead of the host's usual one")
    scripts.add_argument("--overwrite", action="store_true", help="also overwrite files that you changed")

    bench = add("bench", "compare the engine with the plain pipeline", weights, compute, as_json)
    bench.add_argument("--random-weights", choices=("base", "music", "large"), help="real size without a download")
    bench.add_argument("--seconds", type=float, action="append", help="length of the clips; may be repeated")
    bench.add_argument("--rounds", type=int, default=5, help="clips of each kind and length (default: 5)")
    bench.add_argument("--requests", type=int, default=100, help="random requests (default: 100)")
    bench.add_argument("--compile-recipe", action="store_true", help="compile the recipe's UNet, which takes minutes")

    find = add("find", "find clips again", as_json, epilog=f"{EXIT_CODES}\nfind exits with 1 if it finds nothing")
    find.add_argument("words", nargs="*", help="the start of words in the prompt, file name, preset or sub-folder")
    find.add_argument("--bpm", metavar="FROM..TO", help="120, 120..130, 120.. or ..130")
    find.add_argument("--seconds", metavar="FROM..TO", help="length, written the same way")
    find.add_argument("--note", help="c3, a#4 …")
    find.add_argument("--key", help="c, f#m, eb minor …")
    find.add_argument("--favourite", action="store_true", help="favourites only")
    find.add_argument("--rating", metavar="FROM..TO", help="0 to 5: 3..5 or 3..")
    find.add_argument("--order", choices=ORDERS, default="best", help="what comes first (default: the best match)")
    find.add_argument("--limit", type=int, default=20, metavar="N", help="the most clips to list (default: 20)")

    marks = add("favourite", "mark clips as favourites", as_json)
    marks.set_defaults(name="favourite")
    marks.add_argument("file", nargs="+", help="a clip in the library")
    marks.add_argument("--off", action="store_true", help="remove the mark")

    rates = add("rate", "rate clips from 0 to 5", as_json)
    rates.set_defaults(name="rate", command="favourite")
    rates.add_argument("file", nargs="+", help="a clip in the library")
    rates.add_argument("stars", help="0 to 5; 0 removes the rating")

    queue = add("queue", "list the jobs that run and wait, or cancel them", port, as_json)
    queue.add_argument("--cancel", action="append", metavar="ID", help="cancel this job; may be repeated")
    queue.add_argument("--cancel-all", action="store_true", help="cancel all jobs and kits of this machine")

    again = add("resume", "resume the jobs that a crash interrupted", port, as_json)
    again.add_argument("--list", action="store_true", help="only list the interrupted jobs")

    imports = add("import", "add the clips of a folder to the library", as_json)
    imports.set_defaults(command="importing")  # `import` is a Python keyword
    imports.add_argument("folder", metavar="FOLDER", help="searched for clips with recipes, sub-folders too")

    autostart = add("autostart", "start the daemon when you log in")
    autostart.add_argument("what", choices=("on", "off", "status"), help="turn it on or off, or say which it is")

    doctor = add("doctor", "check the whole setup and say what to fix", daemon, as_json, place)
    doctor.add_argument(
        "--serve", action="store_true", help="check a box instead: the options of clipbridge serve, and Ray's ports"
    )
    if with_keys:
        from bridge.domain.ask import FIELDS, KIT_FIELDS, fields_of
        from bridge.domain.fields import Door

        seconds = FIELDS["seconds"]
        length.help = f"{seconds.what}, {seconds.allowed} (default: the preset's, or {seconds.default:g})"
        add_fields(ask, fields_of(Door.COMMAND).values())
        add_fields(kit, (field for name, field in KIT_FIELDS.items() if name != "preset"))
    return top, dict(commands.choices)


if __name__ == "__main__":
    sys.exit(main())
