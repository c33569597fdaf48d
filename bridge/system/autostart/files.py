"""The files that make a command start at log-in. Each function returns a whole file, for a command of any words."""

from __future__ import annotations

import plistlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from bridge.errors import AlreadyRunning, BadArgument, ConfigError, LibraryError, NoModel, PortTaken
from bridge.system.quoting import desktop_command, desktop_text, systemd_command, systemd_word

LABEL = "clipbridge"
DESCRIPTION = "Clipbridge, text prompts as a playable instrument"
# After these errors another start would end in the same way. A folder or an audio device may still appear.
FINAL = (BadArgument, PortTaken, AlreadyRunning, NoModel, ConfigError, LibraryError)
FINAL_EXIT_CODES = tuple(sorted(error.exit_code for error in FINAL))
RESTART_S, RESTARTS, RESTARTS_IN_S = 10, 5, 300
STOP_S = 45  # the daemon stops within 30 s: `core.STOPPING_BUDGET_S`


def systemd_unit(command: Sequence[str], environment: Mapping[str, str]) -> bytes:
    """A unit of the user's systemd. Only the daemon itself is asked to stop; systemd kills what is left of its processes."""
    variables = "".join(f"Environment={systemd_word(f'{name}={value}')}\n" for name, value in environment.items())
    return f"""\
[Unit]
Description={DESCRIPTION}
StartLimitIntervalSec={RESTARTS_IN_S}
StartLimitBurst={RESTARTS}

[Service]
Type=exec
ExecStart={systemd_command(command)}
{variables}KillMode=mixed
TimeoutStopSec={STOP_S}
Restart=on-failure
RestartSec={RESTART_S}
RestartPreventExitStatus={" ".join(map(str, FINAL_EXIT_CODES))}

[Install]
WantedBy=default.target
""".encode()


def launch_agent(command: Sequence[str], environment: Mapping[str, str], errors: Path) -> bytes:
    """An agent of launchd. It is started again after a crash only: launchd cannot tell exit codes apart. `errors` gets what the
    daemon writes to standard error. An interactive process is not slowed down in favour of others."""
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(command),
            "EnvironmentVariables": dict(environment),
            "RunAtLoad": True,
            "KeepAlive": {"Crashed": True},
            "ProcessType": "Interactive",
            "ExitTimeOut": STOP_S,
            "StandardErrorPath": str(errors),
        }
    )


def autostart_entry(command: Sequence[str]) -> bytes:
    """An entry that desktops start at log-in (XDG Autostart), for Linux without systemd."""
    return f"""\
[Desktop Entry]
Type=Application
Name=Clipbridge
Comment={desktop_text(DESCRIPTION)}
Exec={desktop_command(command)}
NoDisplay=true
Terminal=false
""".encode()
