"""Configuration: defaults ← TOML file in the user's config folder ← command-line options. Unknown keys are errors."""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.domain.nearest import nearest, not_one_of
from bridge.domain.outputs import pairs_of
from bridge.errors import BadArgument, ConfigError
from bridge.system import portable
from bridge.system.text import read_text

COMPILES = ("auto", "openvino", "graphs", "inductor", "off")
COMPUTES = ("auto", "cuda", "mps", "cpu", "intel")
FALLBACKS = ("", "local")
DEFAULT_OSC_PORT = 57200
DEFAULT_HTTP_PORT = 57201
DEFAULT_SERVE_PORT = 57300
MOST_THREADS = 64
MOST_SLOTS = 32
TYPE_NAMES = {int: "a whole number", bool: "true or false", str: "text", Path: "a folder"}


@dataclass(frozen=True, slots=True)
class OscConfig:
    """`allow`: IP addresses or networks (`192.168.1.0/24`) that may send messages; loopback always may."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_OSC_PORT
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """`model`: checkpoint folder or hub name in the cache, "" for the default. `scheduler`: a diffusers class name. `compile`:
    how the network runs (see `engine.runtime.ways`). `threads`: of the engine on a processor, 0 for one a core; clips are equal byte
    for byte only if it is. `memory_gb`: the memory in GB that the engine may use, weights
    included; 0 for no limit. `lora`: files that change the network, each `FILE` or `FILE:STRENGTH`.

    `url`: of an engine on another machine (`clipbridge serve`), which then decides all of the above but `model`, which it must have if
    it is set. `token_file`: with the token for it; `ca_file`: with the certificate that signed its own, PEM. `fallback`: `local` lets
    the starter make the clips while it cannot be reached. `slots`: jobs that are sent to it at a time."""

    model: str = ""
    compute: str = "auto"
    scheduler: str = "DPMSolverMultistepScheduler"
    compile: str = "auto"
    threads: int = 0
    memory_gb: int = 0
    lora: tuple[str, ...] = ()
    url: str = ""
    token_file: str = ""
    ca_file: str = ""
    fallback: str = ""
    slots: int = 1


@dataclass(frozen=True, slots=True)
class AudioConfig:
    """`device`: the name of an audio output or a part of it, opened at the start; "default" for the system's default; ""
    also for the default, but opened only when something is played. `cue`: where sounds are auditioned, a pair of that device's
    channels such as "3-4", or the name of another device; "" for the main output. `pads`: such a pair for the pads; "" for the
    main output, which is 1-2."""

    device: str = ""
    cue: str = ""
    pads: str = ""


@dataclass(frozen=True, slots=True)
class MidiConfig:
    """`port`: the name of a MIDI input or a part of it, whose notes play pads; "" for none. `api`: the MIDI API, such as
    `jack`, on systems with several."""

    port: str = ""
    api: str = ""


@dataclass(frozen=True, slots=True)
class TempoConfig:
    """`link`: share the tempo and the bar with Ableton Link."""

    link: bool = False


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """`oscquery`: let other programs find and show all addresses. `touch`: serve the touch page. Both on TCP `port`, for the same
    machines as OSC."""

    oscquery: bool = False
    touch: bool = False
    port: int = DEFAULT_HTTP_PORT


@dataclass(frozen=True, slots=True)
class InboxConfig:
    """`folder`: lists of prompts dropped into it become clips; "" for no inbox."""

    folder: str = field(default_factory=lambda: str(portable.inbox_folder()))


@dataclass(frozen=True, slots=True)
class Config:
    """All settings. `folder`: the sample folder; `presets`: the folder of the user's own presets."""

    folder: Path = field(default_factory=portable.sample_folder)
    presets: Path = field(default_factory=lambda: portable.config_folder() / "presets")
    osc: OscConfig = OscConfig()
    engine: EngineConfig = EngineConfig()
    audio: AudioConfig = AudioConfig()
    midi: MidiConfig = MidiConfig()
    tempo: TempoConfig = TempoConfig()
    network: NetworkConfig = NetworkConfig()
    inbox: InboxConfig = field(default_factory=InboxConfig)


def config_file() -> Path:
    """The user's TOML file, which need not exist."""
    return portable.config_folder() / "config.toml"


def log_file_name(port: int) -> str:
    """The name of a daemon's log file; each port has its own, because two daemons must not write to one file."""
    return "clipbridge.log" if port == DEFAULT_OSC_PORT else f"clipbridge-{port}.log"


def load(file: Path | None = None, settings: dict[str, Any] | None = None) -> Config:
    """Read the configuration.

    `file` defaults to `config_file()` and need not exist. `settings` maps dotted keys (`osc.port`) to values and overrides
    the file. Raises ConfigError with the file, the key and the nearest known key.
    """
    file = file or config_file()
    config = Config()
    if file.is_file():
        import tomllib

        try:
            data = tomllib.loads(read_text(file))
        except (OSError, ValueError, RecursionError) as error:  # not text, not TOML, or nested too deeply
            raise ConfigError(f"{file} cannot be read: {error}.") from error
        config = _replace(config, data, where=f"{file}: ")
    for dotted, value in (settings or {}).items():
        *sections, key = dotted.split(".")
        nested: Any = {key: value}
        for section in reversed(sections):
            nested = {section: nested}
        config = _replace(config, nested, where="")
    _check(config)
    return config


def load_with_port(osc_port: int | None) -> Config:
    """The settings for a program that talks to the daemon on `osc_port`, or on the port of the file. Raises ConfigError; BadArgument
    without a port."""
    config = load(settings={} if osc_port is None else {"osc.port": osc_port})
    if config.osc.port == 0:
        raise BadArgument("The daemon's port is needed: --osc-port N (the daemon prints it when it starts).")
    return config


def parse_setting(text: str) -> tuple[str, Any]:
    """Parse `section.key=value` from `--set`. The value is TOML if it is valid TOML, else plain text. Raises ConfigError."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set expects section.key=value, not {text!r}.")
    try:
        import tomllib

        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return key.strip(), value.strip()


def _replace(section: Any, values: dict[str, Any], where: str, prefix: str = "") -> Any:
    hints = typing.get_type_hints(type(section))
    changes: dict[str, Any] = {}
    for key, value in values.items():
        if key not in hints:
            near = nearest(key, hints)
            hint = f"; did you mean {prefix}{near}?" if near else "."
            raise ConfigError(f"{where}unknown setting {prefix}{key}{hint}")
        current = getattr(section, key)
        if dataclasses.is_dataclass(current):
            if not isinstance(value, dict):
                raise ConfigError(f"{where}{prefix}{key} is a section: write {prefix}{key}.<setting> = …")
            changes[key] = _replace(current, value, where, f"{prefix}{key}.")
        else:
            if not where and hints[key] is str and type(value) in (int, float):
                value = str(value)  # the command line has no quotes
            changes[key] = _coerce(value, hints[key], f"{where}{prefix}{key}")
    return dataclasses.replace(section, **changes)


def _coerce(value: Any, kind: Any, name: str) -> Any:
    if typing.get_origin(kind) is tuple:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return tuple(value)
        raise ConfigError(f"{name} must be a list of strings.")
    if kind is Path and isinstance(value, str | Path) and str(value):
        try:
            return Path(value).expanduser()
        except RuntimeError as error:  # ~nobody
            raise ConfigError(f"{name}: {error}") from error
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind is str and isinstance(value, str):
        return value
    raise ConfigError(f"{name} must be {TYPE_NAMES[kind]}, not {value!r}.")


def _check(config: Config) -> None:
    if not 0 <= config.osc.port <= 65535:
        raise ConfigError(f"osc.port must be 0 to 65535, not {config.osc.port}.")
    if not 0 <= config.network.port <= 65535:
        raise ConfigError(f"network.port must be 0 to 65535, not {config.network.port}.")
    if config.engine.compute not in COMPUTES:
        raise ConfigError(not_one_of("engine.compute", config.engine.compute, COMPUTES))
    if config.engine.compile not in COMPILES:
        raise ConfigError(not_one_of("engine.compile", config.engine.compile, COMPILES))
    if not 0 <= config.engine.threads <= MOST_THREADS:
        raise ConfigError(f"engine.threads must be 0 to {MOST_THREADS}, not {config.engine.threads}.")
    if not 0 <= config.engine.memory_gb <= 1_000:
        raise ConfigError(f"engine.memory_gb must be 0 to 1000, not {config.engine.memory_gb}.")
    _check_url(config.engine)
    try:
        pairs_of(config.audio.cue, config.audio.pads)
    except BadArgument as error:
        raise ConfigError(str(error)) from error
    if config.osc.host == OscConfig().host and not config.osc.allow:
        return
    import ipaddress  # takes longer than all the rest

    for entry in config.osc.allow:
        try:
            ipaddress.ip_network(entry, strict=False)
        except ValueError as error:
            raise ConfigError(
                f"osc.allow: {entry!r} is not an IP address or network (192.168.1.20, 192.168.1.0/24)."
            ) from error
    try:
        loopback = ipaddress.ip_address(config.osc.host).is_loopback
    except ValueError as error:
        raise ConfigError(f"osc.host must be an IP address such as 127.0.0.1, not {config.osc.host!r}.") from error
    if not loopback and not config.osc.allow:
        raise ConfigError(
            f"osc.host {config.osc.host} can be reached from other machines, so osc.allow must list those that may send messages: "
            'add --set osc.allow=192.168.1.20 or, in config.toml, [osc] allow = ["192.168.1.20"].'
        )


def _check_url(engine: EngineConfig) -> None:
    if engine.fallback not in FALLBACKS:
        raise ConfigError(not_one_of("engine.fallback", engine.fallback, FALLBACKS))
    if not 1 <= engine.slots <= MOST_SLOTS:
        raise ConfigError(f"engine.slots must be 1 to {MOST_SLOTS}, not {engine.slots}.")
    if engine.slots > 1 and engine.fallback:
        raise ConfigError("engine.fallback = local makes one clip at a time: leave it out, or set engine.slots to 1.")
    if not engine.url:
        if engine.slots > 1:
            raise ConfigError("engine.slots is for engines on other machines: set engine.url too, or leave it out.")
        return
    from urllib.parse import urlsplit

    try:
        url = urlsplit(engine.url)
        known = url.scheme in ("http", "https") and url.hostname and not (url.query or url.fragment or url.username)
        known = known and url.port != 0  # which raises ValueError for what is not a port
    except ValueError:
        known = False
    if not known or not engine.url.isascii() or not engine.url.isprintable() or " " in engine.url:
        raise ConfigError(f"engine.url must be an address such as http://gpu-box:57300, not {engine.url!r}.")
