"""Resolve an ask into a prompt: the ask's values, else those of its preset, else the defaults."""

from __future__ import annotations

import dataclasses
import secrets
from typing import Any

from bridge.core.source_length import length
from bridge.domain.ask import FIELDS, Ask, Shape, check_shape
from bridge.domain.clip import Prompt
from bridge.domain.limits import DRAWN_SEEDS, MAX_PROMPT_CHARACTERS, is_sub_folder
from bridge.domain.model import NO_PREFERENCES, Preferences
from bridge.domain.musical_words import tempo_and_key
from bridge.domain.notes import NOTE
from bridge.domain.recipe import Recipe
from bridge.domain.source import Source
from bridge.domain.tempo import Tempo
from bridge.domain.words import folded, words_of
from bridge.errors import BadArgument
from bridge.live import pad_file as pads
from bridge.live import stream as streams
from bridge.live.parts import OVERLAP_S
from bridge.presets.files import Preset, Presets

DEFAULT_TEMPO = Tempo()


def resolve_ask(ask: Ask, presets: Presets, tempo: Tempo, into: str = "") -> tuple[Prompt, Preferences]:
    """The prompt of an ask and the preferences of its preset. `into`: the sub-folder of a kit, whose clips are trimmed at both
    ends. Raises BadArgument."""
    preset = presets.get(ask.preset) if ask.preset else None
    if into or ask.sink in (streams.SINK, pads.SINK):
        ask = dataclasses.replace(ask, takes=1)
    if ask.sink == streams.SINK:
        seconds = _period_s(ask, preset, tempo) + OVERLAP_S
        ask = dataclasses.replace(ask, seconds=seconds, bars=None, bpm=None)
    prompt = resolve(ask, preset, tempo)
    if into:
        if not is_sub_folder(into):
            raise BadArgument(f"{into!r} cannot be the sub-folder of a kit.")
        prompt = dataclasses.replace(prompt, shape=dataclasses.replace(prompt.shape, folder=into, trim="free"))
    return prompt, preferences(ask, preset)


def stream_period_s(ask: Ask, presets: Presets, tempo: Tempo) -> float:
    """Seconds from one clip of a stream to the next. Raises BadArgument."""
    return _period_s(ask, presets.get(ask.preset) if ask.preset else None, tempo)


def _period_s(ask: Ask, preset: Preset | None, tempo: Tempo) -> float:
    if ask.source is not None and ask.source.how == "vary" and ask.seconds is None and ask.bars is None:
        return ask.source.seconds - OVERLAP_S
    if streams.continues_itself(ask):
        ask = dataclasses.replace(ask, source=None)
    if ask.seconds is None and ask.bars is None and (preset is None or preset.seconds is None):
        ask = dataclasses.replace(ask, seconds=streams.DEFAULT_PERIOD_S)
    return resolve(ask, preset, tempo).seconds


def ask_of_recipe(recipe: Recipe) -> Ask:
    """The ask that stands for a recalled clip."""
    same = ("text", "seconds", "seed", "negative", "steps", "guidance", "takes")
    prompt = recipe.prompt
    crop = None if prompt.crop is None else (prompt.crop.from_s, prompt.crop.to_s)
    values = {name: getattr(prompt, name) for name in same if name != "text"} | {"loop": int(prompt.loop)}
    values |= {} if prompt.source is None else {prompt.source.how: prompt.source.path, "source": prompt.source}
    return Ask.of(prompt.text, {**values, "take": recipe.take, "crop": crop})


def resolve(ask: Ask, preset: Preset | None, tempo: Tempo = DEFAULT_TEMPO) -> Prompt:
    """The prompt of an ask: bars become seconds, a missing seed is drawn. What is left to the checkpoint stays unset. Raises
    BadArgument."""

    def choose(name: str, default: Any) -> Any:
        for source in (ask, preset):
            if source is not None and (value := getattr(source, name)) is not None:
                return value
        return default

    ask.check()
    if ask.how and ask.source is None and not streams.continues_itself(ask):
        raise BadArgument(f"The source of {ask.how} was not looked for.")
    if ask.source is not None:
        return _of_a_source(ask, ask.source, preset, tempo)
    bpm = tempo.bpm if ask.bpm is None else ask.bpm
    # Some checkpoints follow these words; the shaper measures and corrects what the others do not follow.
    words = [ask.note.upper()] if ask.note else []
    words += tempo_and_key(ask.bars or 0.0, bpm, ask.key or "")
    return Prompt(
        text=ask.text,
        full_text=", ".join([preset.words_around(ask.text) if preset else ask.text, *words]),
        seconds=choose("seconds", FIELDS["seconds"].default) if ask.bars is None else tempo.seconds(ask.bars, bpm),
        bars=ask.bars or 0.0,
        bpm=bpm if ask.bars is not None else 0.0,
        seed=ask.seed if ask.seed is not None else secrets.randbelow(DRAWN_SEEDS),
        negative=ask.negative,
        steps=ask.steps,
        guidance=ask.guidance,
        takes=int(choose("takes", 1)),
        preset=preset.name if preset else "",
        shape=_shape(ask, preset),
        note=ask.note or _presets_note(ask, preset),
        transcript=ask.transcript or "",
        lyrics=ask.lyrics or "",
        beats_per_bar=tempo.beats_per_bar,
        loop=bool(choose("loop", 0)),
        key=ask.key or "",
    )


def _of_a_source(ask: Ask, source: Source, preset: Preset | None, tempo: Tempo) -> Prompt:
    """The prompt of an ask with a source: without a text it is about what the source is. A preset says nothing of its length, its
    pitch, and how it loops. Raises BadArgument."""
    seconds, bars, bpm = length(ask, source, preset, tempo)
    if ask.strength is None and preset is not None and preset.strength is not None:
        source = dataclasses.replace(source, strength=preset.strength)
    text = ask.text or source.words
    around = preset.words_around(text) if preset else text
    if (
        preset is not None and preset.strength is not None
    ):  # made for variations: the prompt is "distorted kick", not "kick"
        text = around = around[:MAX_PROMPT_CHARACTERS]
    key = tempo_and_key(0.0, 0.0, ask.key or "")
    shape = _shape(ask, preset)
    if source.keeps:  # a preset that changes all of a clip would change what is kept
        shape = dataclasses.replace(shape, trim="off", reverse=0, lufs=None)
    return Prompt(
        text=text,
        full_text=", ".join([around, *key]),
        seconds=seconds,
        bars=bars,
        bpm=bpm,
        seed=ask.seed if ask.seed is not None else secrets.randbelow(DRAWN_SEEDS),
        negative=ask.negative,
        steps=ask.steps,
        guidance=ask.guidance,
        takes=ask.takes or (preset.takes if preset else None) or 1,
        preset=preset.name if preset else "",
        shape=shape,
        transcript=ask.transcript or "",
        lyrics=ask.lyrics or "",
        beats_per_bar=tempo.beats_per_bar,
        loop=bool(ask.loop),
        key=ask.key or "",
        source=source,
    )


def _shape(ask: Ask, preset: Preset | None) -> Shape:
    shape = dataclasses.replace(preset.shape if preset else Shape(), **ask.shape)
    check_shape(dataclasses.asdict(shape))
    return shape


def preferences(ask: Ask, preset: Preset | None) -> Preferences:
    """The preferences of an ask's preset."""
    if preset is None:
        return NO_PREFERENCES
    loop = ask.loop is None and bool(preset.loop)
    return dataclasses.replace(preset.preferences, loop=loop, note=bool(_presets_note(ask, preset)))


def _presets_note(ask: Ask, preset: Preset | None) -> str:
    """The preset's note if the ask has neither a note, in its key or its text, nor a key; otherwise "". It is not added to the
    text: only a checkpoint that plays notes in tune follows it."""
    if preset is None or preset.note is None or ask.note or ask.key:
        return ""
    return "" if any(map(NOTE.fullmatch, words_of(folded(ask.text)))) else preset.note
