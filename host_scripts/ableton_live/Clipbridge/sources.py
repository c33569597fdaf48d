"""Asks that start from a clip in a slot: `vary 0.4`, `continue 2 bars`, `fill 1.0 to 1.6`, each with words or without."""

import re

NUMBER = r"(\d+(?:[.,]\d+)?|[.,]\d+)"
WAY = re.compile(r"(vary|continue|fill)(?:\s+(.*))?", re.IGNORECASE)
STRENGTH = re.compile(NUMBER + r"(?:\s+(.*))?")
GAP = re.compile(NUMBER + r"\s*s?\s+(?:to\s+)?" + NUMBER + r"(?:\s*s)?(?:\s+(.*))?", re.IGNORECASE)
END_S = 0.001  # at the end of a file, which does not make a part of it
SHORTEST_S = 0.1  # that can be added


class Unclear(Exception):
    """A sentence for the musician."""


class Shape:
    """How a new clip is set up. `beats`: of the whole file, None if it is not warped. `markers`: more (seconds, beats). `plays`: the first
    and the last beat (or second) that plays. `like`: the clip whose pitch, gain and warp mode it gets."""

    def __init__(self, beats, markers=(), plays=None, looping=True, like=None):
        self.beats, self.markers, self.looping, self.like = beats, markers, looping, like
        self.plays = plays if plays is not None or beats is None else (0.0, float(beats))


def number(text):
    """A number that may have a comma."""
    return float(text.replace(",", "."))


class Source:
    """A clip in a slot, as a source: its file, and the part of it that plays, in seconds of the file."""

    def __init__(self, clip):
        if not getattr(clip, "is_audio_clip", True) or not clip.file_path:
            raise Unclear("only an audio clip can be varied, continued or filled")
        self.clip, self.path = clip, clip.file_path
        self.total = clip.sample_length / clip.sample_rate
        # Of a looped clip these are the loop, of another one its start and its end.
        self.begin = max(0.0, self._seconds(clip.loop_start))
        self.end = min(self.total, self._seconds(clip.loop_end))
        if self.end <= self.begin:
            raise Unclear("the clip plays nothing of its file: move its start or its end")

    def _seconds(self, place):
        clip = self.clip
        return clip.beat_to_sample_time(place) / clip.sample_rate if clip.warping else place

    def _beats(self, seconds):
        return self.clip.sample_to_beat_time(seconds * self.clip.sample_rate)

    def part(self):
        """`from` and `to`, if not all of the file plays."""
        keys = {"from": self.begin} if self.begin > 0 else {}
        return {**keys, "to": self.end} if self.end < self.total - END_S else keys

    def shape(self, more=0.0, whole=False):
        """Of a clip that has this part, or the whole file, and `more` seconds: warped as the source is."""
        clip = self.clip
        begin, end = (0.0, self.total) if whole else (self.begin, self.end)
        if not clip.warping:
            return Shape(None, plays=(self.begin, self.end) if whole else None, looping=False, like=clip)
        first = self._beats(begin)
        beats = self._beats(end) - first + more * self.beats_in_second()
        # The last marker belongs to Live.
        markers = [
            (m.sample_time - begin, m.beat_time - first)
            for m in list(clip.warp_markers)[:-1]
            if begin < m.sample_time < end
        ]
        plays = (self._beats(self.begin) - first, self._beats(self.end) - first) if whole else None
        return Shape(beats, markers, plays, clip.looping, clip)

    def beats_in_second(self):
        """Of the file, in the part that plays."""
        return (self._beats(self.end) - self._beats(self.begin)) / (self.end - self.begin)

    def gap(self):
        """The loop of the clip, in seconds, if it is not all of the file."""
        if not self.clip.looping or self.end - self.begin > self.total - END_S:
            raise Unclear(
                "fill needs the gap: set the loop of the clip to it, or write its seconds, as in cb: fill 1.0 to 1.6"
            )
        return self.begin, self.end


def read(way, rest, clip, read_length):
    """The prompt, the seconds (None: the source's), the keys and the Shape of an ask. `read_length`: takes words, a length and keys apart.
    Raises Unclear."""
    source, way = Source(clip), way.lower()
    if way == "vary":
        strength = STRENGTH.fullmatch(rest)
        keys = {"vary": source.path, **source.part()}
        if strength:
            keys["strength"], rest = number(strength[1]), strength[2] or ""
        prompt, beats, seconds, more = read_length(rest)
        shape = source.shape() if seconds is None else Shape(beats, looping=beats is not None, like=source.clip)
        return prompt, seconds, {**keys, **more}, shape
    if way == "fill":
        gap = GAP.fullmatch(rest)
        begin, end = (number(gap[1]), number(gap[2])) if gap else source.gap()
        prompt, _beats, seconds, more = read_length((gap[3] or "") if gap else rest)
        if seconds is not None:
            raise Unclear("a filled clip keeps its length: leave the length out")
        shape = source.shape(whole=True)
        if not gap and shape.beats is not None:
            shape.plays = (0.0, shape.beats)  # the loop was the gap
        return prompt, None, {"fill": source.path, "from": begin, "to": end, **more}, shape
    prompt, beats, seconds, more = read_length(rest)
    if beats is not None and source.clip.warping:
        seconds = beats / source.beats_in_second()  # bars of the clip, which Live plays at the tempo of the song
    if seconds is None:
        seconds = max(SHORTEST_S, source.end - source.begin)
    return prompt, None, {"continue": source.path, **source.part(), "more": seconds, **more}, source.shape(seconds)
