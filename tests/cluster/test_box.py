"""The queue of a box, with an engine process that answers when a test says so."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bridge.cluster import box as boxes
from bridge.cluster.box import Box
from bridge.cluster.tokens import Tokens, WrongToken, create, read
from bridge.cluster.work import Work
from bridge.domain.clip import Piece, Prompt
from bridge.engine import messages, wire
from bridge.engine.needs import Needs
from bridge.errors import ConfigError, NotReady, OutOfMemory, QueueFull
from tests.core.test_links import IdleChild
from tests.fake_engine import MODEL

PROMPT = MODEL.abilities.settled(Prompt("kick", "kick", 0.5, 1, steps=4))


def ready_box(needs: Needs | None = None) -> tuple[Box, IdleChild, list[str]]:
    child, said = IdleChild(), list[str]()
    box = Box(child, said.append)  # type: ignore[arg-type]
    child.on_message(messages.Ready(MODEL, (), needs or Needs()))
    return box, child, said


async def read_all(work: Work) -> list[str]:
    """The kinds of its frames."""
    return [wire.parse_line(data.partition(b"\n")[0])[0] async for data in work.frames()]


def serials(child: IdleChild, kind: type[Any]) -> list[int]:
    return [message.serial for message in child.sent if isinstance(message, kind)]


def test_one_job_runs_and_the_others_know_how_many_come_first() -> None:
    box, child, said = ready_box()
    works = [box.add(PROMPT, None) for _ in range(3)]
    assert [work.ahead for work in works] == [0, 1, 2] and serials(child, messages.Generate) == [1]
    box.leave(works[1])  # never made
    assert works[2].ahead == 1
    child.on_message(messages.Finished(1, messages.Cost(0.1, 0.1, 4, 0.5), ()))
    assert serials(child, messages.Generate) == [1, 3] and said == ["Ready: fake on cpu."]
    box.leave(works[2])
    assert serials(child, messages.Cancel) == [3]
    child.on_message(messages.Broken(3, "cancelled", ""))
    assert box.add(PROMPT, None).serial == 4 and serials(child, messages.Generate) == [1, 3, 4]


def test_a_whole_job_is_a_stream_of_frames_with_one_end() -> None:
    async def story() -> list[str]:
        box, child, _ = ready_box()
        work = box.add(PROMPT, None)
        child.on_message(messages.Step(1, 1, 4))
        child.on_message(messages.Samples(1, Piece(1, 0, b"\0" * 4, 1, True)))
        child.on_message(messages.Finished(1, messages.Cost(0.1, 0.1, 4, 0.5), ()))
        return await read_all(work)

    assert asyncio.run(story()) == ["step", "step", "piece", "finished"]


def test_a_silent_engine_and_a_waiting_job_show_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.cluster.work.ALIVE_S", 0.01)

    async def story() -> tuple[list[str], list[str]]:
        box, child, _ = ready_box()
        first, second = box.add(PROMPT, None), box.add(PROMPT, None)
        child.on_message(messages.Step(1, 1, 4))
        asyncio.get_running_loop().call_later(0.1, child.on_message, messages.Broken(1, "bad_audio", "Why."))
        asyncio.get_running_loop().call_later(0.15, second.end, None)
        return await read_all(first), await read_all(second)

    first, second = asyncio.run(story())
    assert first.count("step") >= 3 and first[-1] == "broken" and set(second) == {"waiting"}


def test_a_dead_engine_breaks_its_job_and_the_waiting_ones_stay_for_its_successor() -> None:
    async def story() -> None:
        box, child, _ = ready_box()
        first, second = box.add(PROMPT, None), box.add(PROMPT, None)
        child.on_death("a signal", False)
        assert (await read_all(first))[-1] == "broken" and not second.ended and not box.is_ready
        with pytest.raises(NotReady, match="restarts"):
            box.check(PROMPT, "fake", "")
        child.on_message(messages.Ready(MODEL, ()))
        assert serials(child, messages.Generate) == [1, 2]
        child.on_death("a signal", True)
        assert (await read_all(second))[-1] == "broken" and "five times in a row" in box.given_up

    asyncio.run(story())


def test_a_box_that_cannot_load_its_checkpoint_says_why_and_lets_waiting_fronts_go() -> None:
    async def story() -> None:
        child = IdleChild()
        box = Box(child, print)  # type: ignore[arg-type]
        work = box.add(PROMPT, None)
        assert box.facts().ready is None and "being loaded" in box.facts().why
        child.on_message(messages.Unloadable("The checkpoint is broken."))
        assert box.facts().why == "The checkpoint is broken." and await read_all(work) == ["waiting"]

    asyncio.run(story())


def test_the_queue_is_bounded_and_so_is_what_slow_fronts_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes, "MOST_HELD_BYTES", 1_000)

    async def story() -> None:
        box, child, _ = ready_box()
        works = [box.add(PROMPT, None) for _ in range(65)]
        with pytest.raises(QueueFull, match="64 jobs are waiting"):
            box.add(PROMPT, None)
        for _ in range(3):
            child.on_message(messages.Samples(1, Piece(1, 0, b"\0" * 400, 1, False)))
        assert serials(child, messages.Cancel) == [1]
        assert await read_all(works[0]) == ["waiting", "broken"] and works[0].held == 0

    asyncio.run(story())


def test_a_prompt_is_checked_by_the_box_when_it_comes_and_when_its_turn_comes() -> None:
    async def story() -> None:
        box, child, _ = ready_box(Needs(1e6, 1e6, 1_000_000_000))
        box.check(PROMPT, "fake", "")
        with pytest.raises(OutOfMemory):
            box.check(replace(PROMPT, takes=1000), "fake", "")
        assert box.facts().ready is not None

    asyncio.run(story())


def test_tokens_are_compared_whole_and_read_from_a_file_that_only_its_owner_reads(tmp_path: Any) -> None:
    file = tmp_path / "new" / "token"
    create(file)
    (token,) = read(file)
    tokens = Tokens([token, "another-token-of-some-length"])
    assert tokens.demanded and tokens.check(f"Bearer {token}") != tokens.check("bearer another-token-of-some-length")
    for wrong in ("", "Bearer", f"Basic {token}", f"Bearer {token}x", f"Bearer {token[:-1]}", "Bearer \udcff"):
        with pytest.raises(WrongToken):
            tokens.check(wrong)
    assert Tokens([]).check("") == b"" and not Tokens([]).demanded
    for text in ("", "short", "a-token-with-ümlauts-in-it"):
        file.write_text(text, "utf-8")
        with pytest.raises(ConfigError, match="at least 16 ASCII characters"):
            read(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / "none")
    with pytest.raises(ConfigError, match="cannot be written"):
        create(file)


def test_a_front_that_comes_late_learns_the_costs_of_all_warming_runs() -> None:
    box, child, _ = ready_box()
    costs = [messages.Cost(0.1, 0.1, 4, seconds, 2) for seconds in (0.5, 4.0)]
    for cost in costs:
        child.on_message(messages.Ready(MODEL, (cost,)))
    ready = box.facts().ready
    assert ready is not None and ready.costs == tuple(costs)
    child.on_message(messages.Ready(replace(MODEL, compiled="faster"), (costs[1],)))
    ready = box.facts().ready
    assert ready is not None and ready.costs == (costs[1],)
