"""Cut a rhythm into its hits, and put other hits in their places.

A hit is what begins at its onset. What already sounds there stays as it is: hits that ring over each other are not cut off, and a
pad under them does not chop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bridge.audio import fitting, rhythm, sustained
from bridge.audio.beats import Frames
from bridge.audio.stretch import Samples

LEAD_S = 0.002  # a hit begins this long before its onset, so that its attack is whole
# A hit that is not heard within HEARD_S of its onset is made more like the old one, and checked again, at most CHECKS times.
CHECKS, HEARD_S = 4, 0.002
AROUND_S = 0.1  # of a loop that is listened to before its beginning
FADE_S = 0.003  # the crossfade from one hit to the next ends there


@dataclass(frozen=True, slots=True)
class Hit:
    """One hit of a rhythm. `start`: its first frame in the rhythm; `lead` frames later is its onset; at `end` the next hit begins.

    `sound`: the hit alone, (end - start,). `under`: what goes on meanwhile, (end - start,). `before`: the frames before `start`. Sound and
    under together are the rhythm.
    """

    start: int
    end: int
    lead: int
    sound: Samples
    under: Samples
    before: Samples

    @property
    def peak(self) -> float:
        """The highest magnitude of the hit alone."""
        return float(np.abs(self.sound).max(initial=0.0))

    def at(self, start: int, end: int) -> Hit:
        """The hit at another place, cut or followed by silence."""
        size = end - start
        sound, under = (np.pad(part[:size], (0, max(0, size - len(part)))) for part in (self.sound, self.under))
        return replace(self, start=start, end=end, sound=sound, under=under)


def cut(wave: Samples, rate: int, onsets: Sequence[int] | Frames, loop: bool = False) -> list[Hit]:
    """The hits of a wave (frames,) that begin at `onsets`. The last hit of a `loop` goes on until the first one begins again, beyond
    the end of the wave; otherwise it ends with the wave."""
    count, lead = len(wave), round(LEAD_S * rate)
    places = sorted({int(place) for place in onsets if 0 <= place < count})
    if not places:
        return []
    starts = [place - lead if loop else max(0, place - lead) for place in places]
    window, always = sustained.window_of(rate), sustained.sustained(wave, rate)
    hits = []
    for place, start, end in zip(places, starts, [*starts[1:], starts[0] + count if loop else count], strict=True):
        wide = _section(wave, start - 2 * window, end, loop)
        under = sustained.going_on(wide, rate, always)[2 * window :]
        sound = wide[2 * window :] - under
        hits.append(Hit(start, end, place - start, sound, under, wide[: 2 * window]))
    return hits


def put_back(
    wave: Samples,
    rate: int,
    hits: Sequence[Hit],
    replacements: Sequence[Samples],
    loop: bool = False,
    balanced: bool = False,
) -> Samples:
    """A wave (frames,) with each hit replaced, at the onset and the level of the hit that it replaces. What comes before the first hit
    stays. A replacement (frames,) begins about where its hit does, and may have any level; a silent one leaves the hit as it is.
    `balanced`: see fitting.fitted."""
    sounds = [
        fitting.fitted(replacement, hit, rate, balanced) for replacement, hit in zip(replacements, hits, strict=True)
    ]
    closeness = np.zeros(len(hits), int)
    out = _joined(wave, rate, hits, sounds, loop)
    for check in range(CHECKS if hits else 0):
        lost = _lost(out, rate, hits, loop)
        if not lost.any():
            break
        if check:  # what hides it may be the tail of the hit before
            lost |= np.roll(lost, -1)
        closeness[lost] += 1
        sounds = [
            fitting.closer(sound, hit, rate, int(closeness[at])) if lost[at] else sound
            for at, (sound, hit) in enumerate(zip(sounds, hits, strict=True))
        ]
        out = _joined(wave, rate, hits, sounds, loop)
    return out


def _joined(wave: Samples, rate: int, hits: Sequence[Hit], sounds: Sequence[Samples], loop: bool) -> Samples:
    """The wave with these sounds in the places of the hits."""
    fade, count = round(FADE_S * rate), len(wave)
    if not hits:
        return wave.copy()
    ramp = np.linspace(0.0, 1.0, fade + 2, dtype=np.float32)[1:-1]
    out = np.zeros(count, np.float32)
    first = hits[0].start
    if not loop and first > 0:
        out[:first] = wave[:first]
        out[max(0, first - fade) : first] *= ramp[::-1][-min(fade, first) :]
    for hit, sound in zip(hits, sounds, strict=True):
        piece = np.concatenate([hit.before[-fade:] * ramp, hit.under + sound])
        if loop or hit.end < count:
            over = min(fade, len(piece))
            piece[len(piece) - over :] *= ramp[::-1][fade - over :]
        places = np.arange(hit.start - fade, hit.start - fade + len(piece))
        if loop:
            np.add.at(out, places % count, piece)
        else:
            inside = (places >= 0) & (places < count)
            out[places[inside]] += piece[inside]
    return out


def _lost(wave: Samples, rate: int, hits: Sequence[Hit], loop: bool) -> npt.NDArray[np.bool_]:
    """Of which hits no onset is heard where it should be."""
    around = min(len(wave), round(AROUND_S * rate)) if loop else 0
    heard = rhythm.onsets(np.concatenate([wave[len(wave) - around :], wave]), rate) - around
    places = np.array([(hit.start + hit.lead) % len(wave) if loop else hit.start + hit.lead for hit in hits])
    if not len(heard):
        return np.ones(len(hits), bool)
    return np.abs(heard[None, :] - places[:, None]).min(axis=1) > HEARD_S * rate


def _section(wave: Samples, start: int, end: int, loop: bool) -> Samples:
    """The frames `start` to `end` of a wave; beyond its ends there is silence, or of a loop its other end."""
    places = np.arange(start, end)
    if loop:
        return wave[places % len(wave)]
    inside = (places >= 0) & (places < len(wave))
    return np.where(inside, wave[places.clip(0, len(wave) - 1)], np.float32(0))
