"""A stand-in for Ableton Live's Python API, the part that host_scripts/ableton_live uses. Never compared with a real Live.

Names and behaviour as in the Live Object Model (docs.cycling74.com/apiref/lom: classes Song, Song.View, Track, ClipSlot, Clip),
which the Python API shares, and for what Python has beyond it as in AbletonOSC's use of it (github.com/ideoforms/AbletonOSC).
"""

from __future__ import annotations

import importlib
import itertools
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import soundfile

SCRIPT = Path(__file__).parents[2] / "host_scripts" / "ableton_live" / "Clipbridge"


class WarpMarker:
    """`Live.Clip.WarpMarker(sample_time, beat_time)`: seconds first, no keywords."""

    def __init__(self, sample_time: float, beat_time: float, /) -> None:
        self.sample_time, self.beat_time = sample_time, beat_time


class Clip:
    """LOM Clip, an audio clip. `warping`: "setting is deferred". `warp_markers`: the last one is hidden and Live's own."""

    def __init__(self, song: Song, path: str) -> None:
        info = soundfile.info(path)  # raises if the file is missing or incomplete
        self.file_path, self.sample_length, self.sample_rate = path, info.frames, float(info.samplerate)
        self.name = Path(path).stem
        self.is_audio_clip, self.pitch_coarse, self.pitch_fine, self.gain, self.warp_mode = True, 0, 0.0, 0.4, 0
        self._song, self._warping, self._wanted, self._looping = song, True, True, False
        self.loop_start, self.loop_end, self.start_marker, self.end_marker = 0.0, 1.0, 0.0, 1.0
        seconds = info.frames / info.samplerate
        # Live guesses the tempo wrong and sets a marker at a transient; the script must correct both.
        self.warp_markers = [WarpMarker(0.0, song.first_guess), WarpMarker(seconds / 3, 0.7), WarpMarker(seconds, 3.3)]

    @property
    def warping(self) -> bool:
        return self._warping

    @warping.setter
    def warping(self, value: bool) -> None:
        self._wanted = value
        self._song.deferred.append(lambda: setattr(self, "_warping", value))

    @property
    def looping(self) -> bool:
        return self._looping

    @looping.setter
    def looping(self, value: bool) -> None:
        if value and not self._warping:
            raise RuntimeError("only warped audio clips can be looped")
        self._looping = value

    def remove_warp_marker(self, beat_time: float) -> None:
        if self.warp_markers[-1].beat_time == beat_time:
            raise RuntimeError("the shadow marker can't be removed")
        self.warp_markers = [marker for marker in self.warp_markers if marker.beat_time != beat_time]

    def add_warp_marker(self, marker: WarpMarker) -> None:
        assert isinstance(marker, WarpMarker) and self._warping
        if marker.sample_time > self.sample_length / self.sample_rate:
            raise RuntimeError("Warp marker sample time is out of range")
        self.warp_markers[-1:] = [marker, WarpMarker(marker.sample_time + 0.01, marker.beat_time + 1 / 32)]

    def sample_to_beat_time(self, sample_time: float) -> float:
        """`sample_time` is in samples here. "Only available for warped audio clips"; on both sides of a marker at its own tempo."""
        return self._between(sample_time / self.sample_rate, lambda m: m.sample_time, lambda m: m.beat_time)

    def beat_to_sample_time(self, beat_time: float) -> float:
        """The other way round."""
        return self._between(beat_time, lambda m: m.beat_time, lambda m: m.sample_time) * self.sample_rate

    def _between(self, at: float, known: Callable[[WarpMarker], float], asked: Callable[[WarpMarker], float]) -> float:
        assert self._warping
        pairs = list(itertools.pairwise(self.warp_markers))
        first, second = next((pair for pair in pairs if at < known(pair[1])), pairs[-1])
        slope = (asked(second) - asked(first)) / (known(second) - known(first))
        return asked(first) + (at - known(first)) * slope


class ClipSlot:
    """LOM ClipSlot."""

    def __init__(self, song: Song, track: Track) -> None:
        self._song, self.canonical_parent = song, track
        self.clip: Clip | None = None

    @property
    def has_clip(self) -> bool:
        return self.clip is not None

    def create_audio_clip(self, path: str) -> None:
        """ "Throws an error if the clip slot doesn't belong to an audio track or if the track is frozen", or is full."""
        track = self.canonical_parent
        if not track.has_audio_input or track.is_frozen or self.has_clip or not self._song.undo_open:
            raise RuntimeError("Clip slot has to be empty and belong to an unfrozen audio track")
        assert Path(path).is_absolute()
        self.clip = Clip(self._song, path)


class Track:
    """LOM Track."""

    def __init__(self, song: Song, name: str, audio: bool = True) -> None:
        self.name, self.has_audio_input, self.has_midi_input = name, audio, not audio
        self.is_foldable = self.is_frozen = False
        self.clip_slots = [ClipSlot(song, self) for _ in song.scenes]


class Scene:
    """LOM Scene."""

    def __init__(self) -> None:
        self.name = ""


class View:
    """LOM Song.View."""

    selected_track: Track
    selected_scene: Scene
    highlighted_clip_slot: ClipSlot | None = None


class Song:
    """LOM Song: audio tracks Drums and Bass, a MIDI track Keys, three scenes."""

    def __init__(self) -> None:
        self.tempo, self.signature_numerator, self.signature_denominator = 120.0, 4, 4
        self.first_guess = 0.0
        self.undo_open, self.undo_steps = False, 0
        self.deferred: list[Callable[[], None]] = []
        self.scenes: tuple[Scene, ...] = (Scene(), Scene(), Scene())
        self.tracks: tuple[Track, ...] = (Track(self, "Drums"), Track(self, "Bass"), Track(self, "Keys", audio=False))
        self.view = View()
        self.view.selected_track, self.view.selected_scene = self.tracks[0], self.scenes[0]

    def create_scene(self, index: int) -> Scene:
        assert index == -1  # "-1: at the end"
        self.scenes = (*self.scenes, Scene())
        for track in self.tracks:
            track.clip_slots.append(ClipSlot(self, track))
        return self.scenes[-1]

    def begin_undo_step(self) -> None:
        self.undo_open = True

    def end_undo_step(self) -> None:
        self.undo_open = False
        self.undo_steps += 1


class ControlSurface:
    """ableton.v2.control_surface.ControlSurface: `song`, `show_message`, `schedule_message` in ticks of 100 ms."""

    def __init__(self, c_instance: Any) -> None:
        self._c_instance = c_instance

    @property
    def song(self) -> Song:
        return self._c_instance.song

    def show_message(self, message: str) -> None:
        self._c_instance.messages.append(message)

    def schedule_message(self, delay_in_ticks: int, callback: Callable[[], None]) -> None:
        assert delay_in_ticks > 0
        self._c_instance.scheduled.append(callback)

    def disconnect(self) -> None:
        self._c_instance.disconnected = True


class Instance:
    """Live itself, as the script sees it."""

    def __init__(self) -> None:
        self.song, self.disconnected = Song(), False
        self.messages: list[str] = []
        self.scheduled: list[Callable[[], None]] = []

    def tick(self) -> None:
        """What happens every 100 ms."""
        deferred, self.song.deferred = self.song.deferred, []
        for work in deferred:
            work()
        scheduled, self.scheduled = self.scheduled, []
        for work in scheduled:
            work()


def load(instance: Instance, port: int) -> Any:
    """The script as Live loads it, with the daemon's port in its settings."""
    live, v2 = types.ModuleType("Live"), types.ModuleType("ableton.v2.control_surface")
    live.Clip = types.SimpleNamespace(WarpMarker=WarpMarker)  # type: ignore[attr-defined]
    live.ClipSlot = types.SimpleNamespace(ClipSlot=ClipSlot)  # type: ignore[attr-defined]
    v2.ControlSurface = ControlSurface  # type: ignore[attr-defined]
    stubs = {
        "Live": live,
        "ableton": types.ModuleType("ableton"),
        "ableton.v2": types.ModuleType("v2"),
        v2.__name__: v2,
    }
    before, bytecode = dict(sys.modules), sys.dont_write_bytecode
    sys.modules.update(stubs)
    sys.path.insert(0, str(SCRIPT.parent))
    sys.dont_write_bytecode = True  # the wheel contains this folder: no .pyc files there
    try:
        package = importlib.import_module("Clipbridge")
        importlib.import_module("Clipbridge.settings").PORT = port  # type: ignore[attr-defined]
        return package.create_instance(instance)
    finally:
        sys.dont_write_bytecode = bytecode
        sys.path.remove(str(SCRIPT.parent))
        for name in set(sys.modules) - set(before):
            if name.startswith(("Clipbridge", "Live", "ableton")):
                del sys.modules[name]
