"""The OSC frontend: datagram → guard → METHODS → Core call → reply to the asker; job events → asker and subscribers."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pythonosc.osc_message import OscMessage

from bridge import __version__
from bridge.config import OscConfig
from bridge.core.core import Core
from bridge.domain import recipe, then
from bridge.domain.ask import FIELDS
from bridge.domain.events import Event, JobEvent
from bridge.domain.job import JobId
from bridge.domain.limits import PORT
from bridge.domain.nearest import nearest
from bridge.errors import BadArgument, ClipbridgeError, IdTaken, UnknownAddress
from bridge.files.reading import recipe_from_file
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc import guard as osc_guard
from bridge.frontends.osc.addresses import KEYS, METHODS, REPLIES
from bridge.frontends.osc.answers import MAX_WHY, Target
from bridge.frontends.osc.kits import KitMethods
from bridge.frontends.osc.library import LibraryMethods
from bridge.frontends.osc.live import LiveMethods
from bridge.frontends.osc.models import ModelMethods
from bridge.frontends.osc.socket import bind, exact

log = logging.getLogger("clipbridge.osc")

LEASE_S = 60.0
MAX_SUBSCRIBERS = 64
MAX_REMEMBERED_ASKERS = 64
MAX_FAULTS_TOLD = 8  # of one datagram: a packet of rubbish must not become a hundred answers
NUMBERED = re.compile(r"^/bridge/(voice|pad)/[0-9]{1,9}/")
SET_PREFIX = "/bridge/set/"
# These read reply_port among their own keys, or send back everything they get.
OWN_REPLY_PORT = (
    "/bridge/generate",
    "/bridge/generate/words",
    "/bridge/ping",
    "/bridge/subscribe",
    "/bridge/unsubscribe",
)


@contextlib.asynccontextmanager
async def serve_osc(core: Core, config: OscConfig) -> AsyncIterator[OscFrontend]:
    """Answer OSC until the context ends. Raises PortTaken or AlreadyRunning if the port is not free."""
    udp = bind(config)
    loop = asyncio.get_running_loop()
    transport, frontend = await loop.create_datagram_endpoint(lambda: OscFrontend(core, config), sock=udp)
    core.listeners.append(frontend)
    try:
        yield frontend
    finally:
        core.listeners.remove(frontend)
        transport.close()


class OscFrontend(LiveMethods, LibraryMethods, KitMethods, ModelMethods, asyncio.DatagramProtocol):
    """One UDP socket. Each datagram is handled whole, at once, on the event loop; nothing in here waits."""

    def __init__(self, core: Core, config: OscConfig) -> None:
        super().__init__(core)
        self._allowed = [ipaddress.ip_network(entry, strict=False) for entry in config.allow]
        self._settings: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._time_tag = 0.0  # of the message that is being handled

    # ---- datagrams ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self.host, self.port = transport.get_extra_info("sockname")[:2]

    def error_received(self, error: Exception) -> None:
        # A reply to a closed port comes back as an error on some systems; the asker is gone, nothing else is.
        log.debug("a reply did not arrive: %s", error)

    def datagram_received(self, data: bytes, address: tuple[Any, ...]) -> None:
        sender: Target = (address[0], address[1])
        if not self._may_speak(sender):
            return
        messages, faults = osc_guard.check(data)
        for where, why in [fault for fault in faults if fault[0]][:MAX_FAULTS_TOLD]:
            if where not in REPLIES:
                self._send(sender, "/bridge/error", where, "malformed", why)
        for data, time_tag in messages:
            self._message(OscMessage(data), sender, time_tag)

    def _may_speak(self, sender: Target) -> bool:
        ip = ipaddress.ip_address(sender[0].partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip  # how IPv4 senders look to a socket on ::
        ours = ip.is_loopback or sender[0] == self.host
        if ours and sender[1] == self.port:
            return False  # our own packet came back: never talk with ourselves
        return ours or any(ip in network for network in self._allowed)

    def _message(self, message: OscMessage, sender: Target, time_tag: float) -> None:
        self._time_tag = time_tag
        address, given = message.address, list(message)
        if NUMBERED.sub(r"/bridge/\1/<n>/", address) in REPLIES:
            return  # another Clipbridge answers us: two that answer each other would never stop
        try:
            if address not in OWN_REPLY_PORT:
                sender = self._answer_to(given, sender)
            if address.startswith(SET_PREFIX):
                self.set(given, sender, address)
            elif (method := METHODS.get(NUMBERED.sub(r"/bridge/\1/<n>/", address))) is not None:
                getattr(self, method.handler)(given, sender, message)
            else:
                near = nearest(address, METHODS)
                raise UnknownAddress("There is no such address" + (f"; did you mean {near}?" if near else "."))
        except Exception as error:  # noqa: BLE001 - told and logged
            self._refuse(sender, address, error)

    def _answer_to(self, given: list[Any], sender: Target) -> Target:
        """Where the asker wants its answer: a last `reply_port N` is taken out of `given`; else what was set, or
        where the message came from."""
        port = self._settings.get(sender[0], {}).get("reply_port", sender[1])
        if len(given) >= 2 and given[-2] == "reply_port":
            port = int(args.number(given[-1], "reply_port", PORT, whole=True))
            del given[-2:]
        if port == self.port:
            raise BadArgument(f"reply_port {port} is the port Clipbridge itself listens on; give your own.")
        return sender[0], port

    # ---- one method per address; the names stand in METHODS ----

    def generate(self, given: list[Any], sender: Target, _message: Any) -> None:
        self._generate(args.pairs(given), sender)

    def generate_words(self, given: list[Any], sender: Target, _message: Any) -> None:
        self._generate(args.words(given), sender)

    def _generate(self, fields: args.Fields, sender: Target) -> None:
        job_id = fields.job_id()
        target = (sender[0], fields.reply_port() or sender[1])
        try:
            if target[1] == self.port:
                target = sender
                raise BadArgument(f"reply_port {self.port} is the port Clipbridge itself listens on; give your own.")
            ask = fields.ask()
            if ask.then_port == self.port:
                raise BadArgument(f"then_port {self.port} is the port of Clipbridge itself; give the other program's.")
            if ask.then is not None and ask.sink == "audio":
                raise BadArgument("then is for a file, and sink audio makes none: leave one of them out.")
            job, new = self.core.generate(ask, sender[0], job_id, target)
        except ClipbridgeError as error:
            self._send_refusal(target, job_id, error)
        else:
            if not new and job.last_event is not None:
                self._send_event(target, job.last_event)

    def _send_refusal(self, target: Target, job_id: JobId | None, error: ClipbridgeError) -> None:
        # An id that is taken is not used for the refusal: the job that has it is alive and ends once.
        made = secrets.token_hex(4) if job_id is None or isinstance(error, IdTaken) else exact(job_id)
        self._send(target, "/bridge/failed", made, error.code, str(error)[:MAX_WHY])

    def recall(self, given: list[Any], sender: Target, _message: Any) -> None:
        address = "/bridge/recall"
        if len(given) not in (1, 3) or not isinstance(given[0], str) or given[1:2] not in ([], ["id"]):
            raise BadArgument(f"{address} wants the path of a clip and, if you like, id and your name for the job.")
        job_id = KEYS["id"].check(given[2]) if len(given) == 3 else None
        if not ipaddress.ip_address(sender[0].partition("%")[0]).is_loopback:
            raise BadArgument("A clip can be recalled from this machine only.")  # who asks learns what files there are
        file = Path(given[0])

        def look() -> recipe.Recipe | ClipbridgeError:
            try:
                return recipe_from_file(file)
            except ClipbridgeError as error:
                return error

        def go(found: recipe.Recipe | ClipbridgeError) -> None:
            try:
                if isinstance(found, ClipbridgeError):
                    raise found
                job, new = self.core.recall(found, sender[0], job_id, sender)
            except ClipbridgeError as error:
                self._send_refusal(sender, job_id, error)
            else:
                if not new and job.last_event is not None:
                    self._send_event(sender, job.last_event)

        self._aside(look, go, sender, address)

    def set(self, given: list[Any], sender: Target, address: str) -> None:
        name = address.removeprefix(SET_PREFIX)
        if name == "id":
            raise BadArgument("An id cannot be remembered: each trigger is a job of its own and gets one made for it.")
        if name not in ("prompt", "seconds") and name not in KEYS:
            raise args.unknown_key(name)
        stored = self._settings.setdefault(sender[0], {})
        self._settings.move_to_end(sender[0])
        while len(self._settings) > MAX_REMEMBERED_ASKERS:
            self._settings.popitem(last=False)
        if not given:
            stored.pop(name, None)
            return
        if len(given) > 1 and name not in ("prompt", "negative"):
            raise BadArgument(f"{address} takes one value.")
        only = given[0] if len(given) == 1 else args.joined(given)
        if name == "prompt":
            stored[name] = args.prompt(only)
        elif name == "seconds":
            stored[name] = args.value(FIELDS["seconds"], only)
        else:
            checked = args.value(KEYS[name], only)
            if name == "preset":
                self.core.presets.get(checked)
            stored[name] = checked

    def trigger(self, given: list[Any], sender: Target, _message: Any) -> None:
        if not args.press(given, "/bridge/trigger"):
            return
        stored = dict(self._settings.get(sender[0], {}))
        fields = args.Fields(stored.pop("prompt", None), stored.pop("seconds", None), stored)
        if fields.prompt is None:
            fields.fault = BadArgument("Nothing is set to be generated yet: send /bridge/set/prompt first.")
        self._generate(fields, sender)

    def job(self, given: list[Any], sender: Target, _message: Any) -> None:
        if len(given) != 1:
            raise BadArgument("/bridge/job wants one id.")
        job = self.core.jobs.get(sender[0], KEYS["id"].check(given[0]))
        if job.last_event is not None:
            self._send_event(sender, job.last_event)

    def cancel(self, given: list[Any], sender: Target, _message: Any) -> None:
        if len(given) > 1:
            raise BadArgument("/bridge/cancel wants one id, or none for all jobs of your machine.")
        cancelled = self.core.cancel(sender[0], KEYS["id"].check(given[0]) if given else None)
        for job in cancelled:
            if job.reply_to != sender and sender not in self._subscribers:
                self._send(sender, "/bridge/cancelled", exact(job.id))
        if not cancelled:
            self._send(sender, "/bridge/cancelled")

    def status(self, given: list[Any], sender: Target, _message: Any) -> None:
        # Whoever answers a status with another status would never stop; so one with arguments (which our own answer
        # has) is refused with /bridge/error, and that nobody answers.
        if args.press(given, "/bridge/status"):
            state, *rest = self.core.status().items()
            self._send(sender, "/bridge/status", state[1], *(part for pair in rest for part in pair))

    def version(self, given: list[Any], sender: Target, _message: Any) -> None:
        if args.press(given, "/bridge/version"):
            self._send(sender, "/bridge/version", __version__)

    def list_presets(self, given: list[Any], sender: Target, _message: Any) -> None:
        if args.press(given, "/bridge/presets"):
            self._send(sender, "/bridge/presets", *self.core.presets.all())

    def ping(self, _given: list[Any], sender: Target, message: Any) -> None:
        self._transport.sendto(b"/bridge/pong" + message.dgram[len(b"/bridge/ping") :], sender)

    def subscribe(self, given: list[Any], sender: Target, _message: Any) -> None:
        target = self._subscriber(given, sender)
        self._drop_old_subscribers()
        if target not in self._subscribers and len(self._subscribers) >= MAX_SUBSCRIBERS:
            raise BadArgument(f"There are {MAX_SUBSCRIBERS} subscribers already.")
        self._subscribers[target] = time.monotonic() + LEASE_S
        self._send(target, "/bridge/state", self.core.state, self.core.why)

    def unsubscribe(self, given: list[Any], sender: Target, _message: Any) -> None:
        self._subscribers.pop(self._subscriber(given, sender), None)

    def _subscriber(self, given: list[Any], sender: Target) -> Target:
        if len(given) > 1:
            raise BadArgument("Only a port may be given.")
        port = int(args.number(given[0], "the port", PORT, whole=True)) if given else sender[1]
        if port == self.port:
            raise BadArgument(f"{port} is the port Clipbridge itself listens on; give your own.")
        return sender[0], port

    # ---- events ----

    def on_event(self, event: Event) -> None:
        super().on_event(event)
        if isinstance(event, JobEvent) and event.kind == "done" and event.ask.then is not None:
            assert event.ask.then_port is not None
            message = then.parse(event.ask.then)
            try:
                values = message.filled(event.facts())
            except BadArgument as error:  # an id that is no number, where one was to be
                for target in self._audience(event.reply_to):
                    self._send(target, "/bridge/error", "/bridge/generate", error.code, str(error)[:MAX_WHY])
            else:
                self._send((event.owner, event.ask.then_port), message.address, *values)
