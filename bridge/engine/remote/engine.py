"""RemoteEngine: the engine of another machine (see Engine), where `clipbridge serve` runs."""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator

from bridge.config import EngineConfig
from bridge.domain import plain, recipe
from bridge.domain.clip import Piece, Prompt
from bridge.domain.model import Model
from bridge.engine import wire
from bridge.engine.messages import NO_NEEDS, Cost, OnStage, OnStep
from bridge.engine.remote import sources
from bridge.engine.remote.checks import check_ready, end_of, piece_of
from bridge.engine.remote.connection import MOST_ANSWER_BYTES, Connector
from bridge.engine.remote.errors import Busy, Refused, Unreachable, not_a_box, printable, reported
from bridge.errors import ClipbridgeError, EngineLost

BUSY_S, BUSY_PAUSE_S = 60.0, 0.5  # how long, and how often, a box without a free place is asked again


class RemoteEngine:
    """`name`: the host. Raises Unreachable where nothing was begun, EngineLost where something was. `look` and `generate` are called on
    one thread, `cancel` on any."""

    def __init__(self, config: EngineConfig) -> None:
        self._connector, self._wanted = Connector(config), config.model
        self.name = self._connector.name
        self.model: Model
        self.shortcoming, self.needs = "", NO_NEEDS
        self.cost = Cost(0.0, 0.0, 1, 0.0)
        self.scores: tuple[float, ...] = ()
        self._seen: object = None  # of the last facts, what a front is told if it changes
        self._end = wire.End(self.cost, ())
        self.costs: list[Cost] = []  # of its runs so far
        self._stop = threading.Event()

    def look(self) -> bool:
        """Ask the box for its facts; returns whether they are new. Raises Unreachable, Refused."""
        self._connector.begin()
        with self._connector.request("GET") as answer:
            try:
                body = answer.read(MOST_ANSWER_BYTES)
            except (OSError, http.client.HTTPException) as error:
                raise Unreachable(f"{self.name} does not answer.") from error
        facts = self._facts(body)
        if facts.ready is None:
            raise Unreachable(f"It is not ready. {printable(facts.why)}")
        ready = facts.ready
        if self._wanted and ready.model.name != self._wanted:
            raise Refused(
                f"{self.name} serves {ready.model.name}, not {self._wanted}: run clipbridge serve --model {self._wanted} there, or leave "
                "engine.model out."
            )
        self.model, self.needs, self.shortcoming = ready.model, ready.needs, ready.shortcoming
        self.costs = [*ready.costs]
        # The replicas of a cluster differ in their costs, but not in what they were measured of.
        before = self._seen
        self._seen = ready.model, ready.shortcoming, {(cost.sound_s, cost.evaluations) for cost in ready.costs}
        return self._seen != before

    def _facts(self, body: bytes) -> wire.Facts:
        try:
            values = json.loads(body)
            protocol = values["protocol"]
            if protocol != wire.PROTOCOL:  # before the rest, which may have another form
                raise Refused(
                    f"{self.name} speaks protocol {str(protocol)[:20]}, and this Clipbridge {wire.PROTOCOL}: install the same version on "
                    "both."
                )
            facts = plain.read(wire.Facts, values)
            if facts.ready is not None:
                check_ready(facts.ready)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise not_a_box(self.name, str(error)) from error
        return facts

    # ---- see Engine ----

    def load(self, _on_stage: OnStage) -> Model:
        """See Engine. Raises Unreachable, Refused."""
        self.look()
        return self.model

    def warm(self, _on_stage: OnStage) -> list[Cost]:
        """See Engine. The box is warm."""
        return self.costs

    def improve(self, _on_stage: OnStage, _waiting: Callable[[], bool]) -> Iterator[list[Cost] | None]:
        """See Engine. The box improves by itself, which `look` notices."""
        return iter(())

    def generate(self, prompt: Prompt, on_step: OnStep) -> Iterator[Piece]:
        """See Engine. Raises also Unreachable, BadSource, and what the box reports."""
        self._connector.begin()
        self._stop.clear()
        on_step(0, prompt.units)  # raises if it was cancelled just before
        body = self._body(prompt)
        until = time.monotonic() + BUSY_S
        while True:
            try:
                yield from self._ask(prompt, body, on_step)
                return
            except Busy:
                if time.monotonic() > until:
                    raise
            on_step(0, prompt.units)  # a sign of life
            self._stop.wait(BUSY_PAUSE_S)
            self._connector.check()

    def cancel(self) -> None:
        """End `generate` now, by closing its connection. Any thread may call it."""
        self._connector.cut()
        self._stop.set()

    def highest_bytes(self) -> int:
        """See Engine. Those of the box."""
        return self._end.highest_bytes

    def remarks(self, _prompt: Prompt) -> dict[str, str]:
        """See Engine."""
        return self._end.remarks

    def unmet(self, _prompt: Prompt) -> tuple[str, ...]:
        """See Engine."""
        return self._end.unmet

    def in_tempo(self, _prompt: Prompt) -> bool:
        """See Engine."""
        return self._end.in_tempo

    # ---- inside ----

    def _body(self, prompt: Prompt) -> bytes:
        """The request for a prompt. Raises BadSource."""
        sent, raw, suffix = sources.packed(prompt)
        digest = hashlib.sha256(raw).hexdigest()
        text = recipe.write(sent, self.model, 1)
        return wire.frame("generate", raw, protocol=wire.PROTOCOL, recipe=text, sha256=digest, suffix=suffix)

    def _ask(self, prompt: Prompt, body: bytes, on_step: OnStep) -> Iterator[Piece]:
        began = False
        try:
            with self._connector.request("POST", body, lambda: on_step(0, prompt.units)) as answer:
                while (frame := wire.read_frame(answer)) is not None:
                    began = began or frame.kind != "waiting"
                    if frame.kind == "waiting":
                        on_step(0, prompt.units)
                    elif frame.kind == "step":
                        done = plain.read(int, frame.values.get("done"))
                        on_step(min(max(done, 0), prompt.units), prompt.units)
                    elif frame.kind == "piece":
                        yield piece_of(frame, prompt)
                    elif frame.kind == "broken":
                        raise reported(str(frame.values.get("code")), str(frame.values.get("why")))
                    elif frame.kind == "finished":
                        self._end = end_of(frame, prompt)
                        self.cost, self.scores = self._end.cost, self._end.scores
                        return
                    else:
                        raise ValueError(f"an unknown frame, {frame.kind[:20]!r}")
            self._lost(began, "ended before the clip did")
        except ValueError as error:
            raise EngineLost(
                f"{self.name} sent something that is no answer ({str(error)[:80]}): ask for this clip again."
            ) from error
        except TimeoutError:
            self._lost(began, f"was silent for {wire.SILENT_S:g} s (a proxy in between must not hold answers back)")
        except (OSError, http.client.HTTPException):
            self._lost(began, "broke off")

    def _lost(self, began: bool, how: str) -> None:
        """Raises JobCancelled after `cancel`, EngineLost if something was begun, else Unreachable."""
        self._connector.check()
        error: type[ClipbridgeError] = EngineLost if began else Unreachable
        lost = " This clip is lost: ask for it again." if began else ""
        raise error(f"The connection to {self.name} {how}.{lost}")
