"""Plays a scenario to a real daemon over real UDP and writes the answers as lines that can be compared."""

from __future__ import annotations

import itertools
import json
import os
import secrets
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import soundfile

from tests.golden import wire
from tests.golden.masks import Masks
from tests.golden.steps import File, KillPlayer, Lines, Listen, Ref, Scenario, Step
from tests.harness import Daemon

WAIT_S = 30.0
# Messages without a fixed place among the others: written as sequences at the end of the scenario.
PACED = ("/bridge/progress", "/bridge/voice", "/bridge/stream/state", "/bridge/audio")
Line = list[Any]


@dataclass
class Client:
    """A client's socket and the messages it has received."""

    name: str
    udp: socket.socket
    received: list[tuple[str, str, list[Any]]] = field(default_factory=list)
    before: int = 0  # the number of messages received before the last request

    @property
    def port(self) -> int:
        return int(self.udp.getsockname()[1])

    def read(self, timeout_s: float) -> tuple[str, str, list[Any]]:
        """The next message. Raises TimeoutError."""
        self.udp.settimeout(timeout_s)
        return wire.decode(self.udp.recv(65_536))


class Player:
    """One scenario with one daemon."""

    def __init__(self, daemon: Daemon, scenario: Scenario) -> None:
        self.daemon, self.scenario = daemon, scenario
        self.masks = Masks(daemon.folder.absolute().as_posix(), scenario.random_seeds)
        self.lines: list[Line] = []
        self._clients: dict[str, Client] = {}
        self._saved: dict[str, Any] = {}
        self._sequences: dict[tuple[str, ...], list[Line]] = {}
        self._from = len(daemon.lines)

    def play(self) -> list[Line]:
        """Play all steps and return the transcript."""
        try:
            for step in self.scenario.steps:
                if isinstance(step, Step):
                    self._step(step)
                elif isinstance(step, File):
                    self._file(step)
                elif isinstance(step, Lines):
                    self._json(step)
                elif isinstance(step, KillPlayer):
                    self._kill_player()
                elif isinstance(step, Listen):
                    client = self._client(step.by)
                    known = sum(
                        _wanted(message, step.until, step.match) for message in client.received[client.before :]
                    )
                    self._gather(step.until if known < step.times else (), step.by, step.times - known, step.match)
            return [*self.lines, *self._ordered()]
        finally:
            for client in self._clients.values():
                client.udp.close()

    # ---- sending ----

    def _client(self, name: str) -> Client:
        if name not in self._clients:
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            udp.bind(("127.0.0.1", 0))
            self._clients[name] = Client(name, udp)
        return self._clients[name]

    def _step(self, step: Step) -> None:
        client, values = self._client(step.by), tuple(self._filled(value) for value in step.values)
        address = self._address(step.address)
        data = step.raw if step.raw is not None else wire.encode(address, values)
        shown = wire.decode(wire.encode(step.address, tuple(_shown(value) for value in step.values)))
        head = ">" if step.by == "a" else f">{step.by}"
        self.lines.append(
            [head, step.note] if step.raw is not None else [head, shown[0], shown[1], *map(_cut, shown[2])]
        )
        for other in self._clients.values():
            other.before = len(other.received)
        for _ in range(step.repeat):
            client.udp.sendto(data, ("127.0.0.1", self.daemon.port))
        self._gather(step.until, step.at or step.by, step.times, step.match, step.fold)
        if step.save:
            self._save(step)

    def _filled(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._filled(one) for one in value]
        if not isinstance(value, Ref):
            return value
        kind, _, name = value.name.partition(":")
        if kind == "port":
            return self.daemon.port if name == "daemon" else self._client(name).port
        if kind == "folder":
            return self.daemon.folder.absolute().as_posix()
        return self._saved[value.name]

    def _address(self, address: str) -> str:
        return address.replace("$voice", str(self._saved.get("voice", 0)))

    def _save(self, step: Step) -> None:
        """Remember a value for later steps: `path:NAME` of the last clip, `voice` of the last one that began."""
        for _address, _tags, values in self._clients[step.at or step.by].received[::-1]:
            if step.save == "voice" and _address in ("/bridge/voice", "/bridge/done"):
                self._saved["voice"] = values[0] if _address == "/bridge/voice" else values[values.index("voice") + 1]
                return
            if step.save != "voice" and _address == "/bridge/done":
                self._saved[step.save] = values[1]
                return
        raise AssertionError(f"there is no {step.save} to save")

    # ---- listening ----

    def _gather(self, until: tuple[str, ...], at: str, times: int, match: tuple[Any, ...], fold: bool = False) -> None:
        """Read until `at` has received one of `until` `times` times, then everything that reaches a client before its ping is
        answered."""
        received: dict[str, list[tuple[str, str, list[Any]]]] = {name: [] for name in self._clients}
        end, missing = time.monotonic() + WAIT_S, times if until else 0
        while missing:
            try:
                message = self._client(at).read(max(0.01, end - time.monotonic()))
            except TimeoutError:
                raise AssertionError(f"none of {until} {match}: {received[at][-5:]}") from None
            received[at].append(message)
            missing -= _wanted(message, until, match)
        for name, client in list(self._clients.items()):
            token = f"barrier {secrets.token_hex(6)}"
            client.udp.sendto(wire.encode("/bridge/ping", (token,)), ("127.0.0.1", self.daemon.port))
            while (message := client.read(WAIT_S)) != ("/bridge/pong", "s", [token]):
                received.setdefault(name, []).append(message)
        for name in sorted(received):
            self._clients[name].received += received[name]
            self._write(name, received[name], fold)

    def _write(self, name: str, received: list[tuple[str, str, list[Any]]], fold: bool) -> None:
        head = "<" if name == "a" else f"<{name}"
        written: list[Line] = []
        for address, tags, values in received:
            if self._of_others(address, values):
                continue
            masked = [self._number(value) for value in self.masks.message(address, values)]
            if address in PACED or address.endswith(("/state", "/voice")):
                self._paced(name, address, tags, values, masked)
                continue
            written.append([head, address, tags, *map(_cut, masked)])
            if address in ("/bridge/done", "/bridge/take") or address.endswith("/saved"):
                written += self._facts(
                    values[0] if address.endswith("/saved") else values[2 if "take" in address else 1]
                )
        if fold:
            groups = itertools.groupby(written, lambda line: line[:3])
            written = [[*key, f"{len(list(lines))} times"] for key, lines in groups]
        self.lines += written

    def _of_others(self, address: str, values: list[Any]) -> bool:
        """Whether it is about a pad or a kit of another test."""
        asked = [step for step in self.scenario.steps if isinstance(step, Step)]
        if address.startswith("/bridge/pad/"):
            return not any(step.address.split("/")[:4] == address.split("/")[:4] for step in asked)
        if address.startswith("/bridge/kit/"):
            return not any(step.address == "/bridge/kit" and str(values[0]) == str(*step.values[:1]) for step in asked)
        return False

    def _number(self, value: Any) -> Any:
        """The value without numbers of voices and ports."""
        if isinstance(value, str):
            return value.replace(f"/bridge/voice/{self._saved.get('voice', 0)}/", "/bridge/voice/$voice/")
        ports = {client.port: name for name, client in self._clients.items()}
        return f"~port {ports[value]}" if type(value) is int and value in ports else value

    def _paced(self, name: str, address: str, tags: str, values: list[Any], masked: list[Any]) -> None:
        if address == "/bridge/progress":
            before = self._sequences.setdefault((name, address, json.dumps(values[0])), [])
            if not before or before[-1][-1] > values[1]:  # a clip that missed its tempo is made a second time
                before.append([tags, *masked, "rises", 0.0])
            before[-1][-1] = values[1]
            return
        number = [masked[0]] if address.endswith("/voice") else []
        before = self._sequences.setdefault((name, address, *map(str, number)), [])
        entry = [tags, *masked[len(number) :]]
        if "/pad/" in address and entry[1] == "filling":
            assert 0.0 <= entry[2] <= 1.0
            entry[2] = "~fraction"
        if entry[1] == "~on":
            entry[2] = "~seconds"  # 0 too, where it is thin
        if entry[1] == "filling" and before and before[-1][1] == "filling" and before[-1][3:] == entry[3:]:
            return  # the number of such messages varies
        if not before or before[-1] != entry:
            before.append(entry)

    def _ordered(self) -> list[Line]:
        lines: list[Line] = []
        for (name, address, *more), entries in sorted(self._sequences.items(), key=lambda one: one[0][:2]):
            head = "<" if name == "a" else f"<{name}"
            if address == "/bridge/progress":
                lines += [[head, address, *entry[:-1]] for entry in entries]
            else:
                lines.append([head, address, *more, *entries])
        return lines

    def _facts(self, path: str) -> list[Line]:
        if not path:
            return []
        info = soundfile.info(path)
        return [["file", info.format, info.subtype, info.frames, info.samplerate, info.channels]]

    # ---- apart from OSC ----

    def _file(self, step: File) -> None:
        base = self.daemon.inbox if step.place == "inbox" else self.daemon.home / "config" / "clipbridge" / "presets"
        file = base / step.name
        self.lines.append(["file", step.place, step.name, step.text])
        if step.text is None:
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_suffix(".part")
            part.write_text(step.text, "utf-8")
            os.replace(part, file)
        self._gather(step.until, step.by, step.times, step.match)

    def _json(self, step: Lines) -> None:
        """The event names, keys and JSON types of the lines of `run --json`, each once."""
        start = 0 if step.all else self._from
        self.daemon.wait_for(lambda line: all(line.get(key) == value for key, value in step.until.items()), start=start)
        steps = [one for one in self.scenario.steps if isinstance(one, Step)]
        ids = [value for one in steps for key, value in itertools.pairwise(one.values) if key == "id"]
        seen: list[Line] = []
        for line in self.daemon.lines[start:]:
            # The line of an earlier scenario's job may be read late.
            if line["event"] in step.events and ("id" not in line or line["id"] in ids):
                entry = ["json", line["event"], *(f"{key} {type(value).__name__}" for key, value in line.items())]
                if entry not in seen:
                    seen.append(entry)
        self.lines += sorted(seen, key=lambda line: (step.events.index(line[1]), len(line)))

    def _kill_player(self) -> None:
        """Kill the player process, as a fault would."""
        others = {self.daemon.child("engine").pid, self.daemon.child("shaper").pid}
        import psutil

        children = psutil.Process(self.daemon.process.pid).children(recursive=True)
        (player,) = [c for c in children if "spawn_main" in " ".join(c.cmdline()) and c.pid not in others]
        player.kill()


def _wanted(message: tuple[str, str, list[Any]], until: tuple[str, ...], match: tuple[Any, ...]) -> bool:
    return message[0] in until and tuple(message[2][: len(match)]) == match


def _shown(value: Any) -> Any:
    """A request's value as the transcript shows it."""
    if isinstance(value, list):
        return [_shown(one) for one in value]
    return f"${value.name}" if isinstance(value, Ref) else value


def _cut(value: Any) -> Any:
    """A long text becomes its beginning and its length."""
    return f"{value[:40]}… {len(value)} characters" if isinstance(value, str) and len(value) > 160 else value


def same(expected: Any, actual: Any) -> bool:
    """Whether a recorded value or line equals a new one; measurements have a tolerance."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        one, other = expected["~about"], actual["~about"]
        return abs(one - other) <= 0.02 * max(1.0, abs(one))
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    return type(expected) is type(actual) and bool(expected == actual)


def read_transcript(file: Path) -> dict[str, list[Line]]:
    """Scenario → lines."""
    transcript: dict[str, list[Line]] = json.loads(file.read_text("utf-8"))
    return transcript


def write_transcript(file: Path, scenarios: dict[str, list[Line]]) -> None:
    """Write one message per line, scenarios sorted by name."""
    parts = [
        json.dumps(name) + ": [\n" + ",\n".join(" " + json.dumps(line, ensure_ascii=False) for line in lines) + "\n]"
        for name, lines in sorted(scenarios.items())
    ]
    file.write_text("{\n" + ",\n".join(parts) + "\n}\n", "utf-8")
