"""The control surface: reads asks from names, puts clips into slots. All in Live's own timer, every 100 ms."""

import logging
import re

import Live
from ableton.v2.control_surface import ControlSurface

from . import sources
from .jobs import Jobs
from .settings import HOST, PORT

log = logging.getLogger("clipbridge")

ASK = re.compile(r"\s*cb\s*:\s*(.*\S)\s*", re.IGNORECASE)
LENGTH = re.compile(r"(?:(.*\S)\s+)?(\d+(?:[.,]\d+)?)\s*(bars?|beats?|s|sec|seconds?)", re.IGNORECASE)
KEY = re.compile(r"\s+@(\w+)\s+")
PATIENCE = 30  # ticks of 100 ms until Live has warped a clip
NEAR = 0.01  # of a beat


class Clipbridge(ControlSurface):
    """`cb: ...` in the name of the selected track, scene or clip asks for a clip; the name is restored at once."""

    def __init__(self, c_instance):
        super().__init__(c_instance)
        self._jobs = Jobs(HOST, PORT)
        self._seen = {}  # the current selection, and its name
        self._later = []  # [function that returns whether it is done, remaining tries]
        self._logged = set()
        self.schedule_message(1, self._tick)

    def disconnect(self):
        """Live ends, or the user chooses another control surface: cancel all jobs."""
        if self._jobs is not None:
            self._jobs.close()
            self._jobs = None
        super().disconnect()

    def _tick(self):
        if self._jobs is None:
            return
        for work in (self._jobs.poll, self._read_names, self._do_later):
            try:
                work()
            except Exception as error:  # no error may end the timer
                if repr(error) not in self._logged:  # log each error once, not ten times a second
                    self._logged.add(repr(error))
                    log.exception("Clipbridge")
        self.schedule_message(1, self._tick)

    # ---- names ----

    def _read_names(self):
        view = self.song.view
        slot = view.highlighted_clip_slot
        clip = slot.clip if slot is not None and slot.has_clip else None
        for kind, thing in (("track", view.selected_track), ("scene", view.selected_scene), ("clip", clip)):
            seen, before = self._seen.get(kind, (None, ""))
            name = "" if thing is None else thing.name
            ask = ASK.fullmatch(name)
            if ask and seen == thing and name != before:
                thing.name = name = before
                self._seen[kind] = (thing, name)
                self._ask(ask[1], kind, thing, slot)
            self._seen[kind] = (thing, name)

    def _ask(self, text, kind, thing, slot):
        if text.lower() in ("stop", "cancel"):
            if not self._jobs.cancel_all():
                self._say("nothing is being made")
            return
        song = self.song
        track = {"track": thing, "scene": song.view.selected_track}.get(kind) or slot.canonical_parent
        if track not in tuple(song.tracks) or track.is_foldable or not track.has_audio_input:
            self._say(f"{track.name} takes no audio clips. Select an audio track")
            return
        if not hasattr(Live.ClipSlot.ClipSlot, "create_audio_clip"):
            self._say("Live 12.0.5 or newer is needed to put a clip into a slot")
            return
        scene, below = song.view.selected_scene, 0
        if kind == "clip":
            scene, below = song.scenes[list(track.clip_slots).index(slot)], 1
        way = sources.WAY.fullmatch(text) if kind == "clip" else None
        try:
            if way:
                words, seconds, keys, shape = sources.read(way[1], way[2] or "", thing, self._read_wordless)
                prompt = words or thing.name
            else:
                words, beats, seconds, keys = self._read(text)
                prompt, shape = words, sources.Shape(beats)
        except sources.Unclear as why:
            self._say(why)
            return
        place = (track, scene, below)
        paths = []

        def on_event(what, values):
            if what == "progress":
                self._say(f"{prompt} {values[0]:.0%}")
            elif what == "queued":
                self._say(f"{prompt}: {values[0]} before it" if values[0] else f"{prompt} ...")
            elif what == "take":
                paths.append(values[1])
            elif what == "done":
                self._insert(paths or values[:1], prompt, shape, place)
            elif what == "failed":
                self._say(values[1])
            else:
                self._say(f"{prompt} is cancelled")

        self._say(f"{prompt} ...")
        self._jobs.ask(words, seconds, keys, on_event)

    def _read(self, text, wordless=False):
        """Prompt, beats (None if the length is not musical), seconds (None: the preset's length), keys of an ask."""
        words, *rest = KEY.split(" " + text if wordless else text)
        keys = dict(zip(rest[::2], rest[1::2], strict=True))
        length = LENGTH.fullmatch(words.strip())
        if not length or not (length[1] or wordless):
            return words.strip(), None, None, keys
        prompt, count, unit = length[1] or "", float(length[2].replace(",", ".")), length[3].lower()
        if unit.startswith("s"):
            return prompt, None, count, keys
        song = self.song
        if unit.startswith("bar"):
            count *= song.signature_numerator * 4 / song.signature_denominator
        return prompt, count, count * 60 / song.tempo, keys

    def _read_wordless(self, text):
        """The same of a text whose prompt may be empty."""
        return self._read(text, wordless=True)

    def _say(self, text):
        self.show_message(f"Clipbridge: {text}")

    # ---- clips ----

    def _insert(self, paths, prompt, shape, place):
        song, (track, scene, below) = self.song, place
        if track not in tuple(song.tracks):
            self._say(f"the track is gone. The clip is here: {paths[0]}")
            return
        scenes = list(song.scenes)
        first = scenes.index(scene) + below if scene in scenes else 0
        song.begin_undo_step()
        try:
            for path in paths:
                slot = self._empty_slot(track, first)
                slot.create_audio_clip(path)
                clip = slot.clip
                clip.name = prompt
                if shape.like is not None:
                    self._resemble(clip, shape.like)
                clip.warping = shape.beats is not None  # takes effect a moment later
                if shape.beats is not None or shape.plays is not None:
                    self._later.append([lambda clip=clip: self._fit(clip, shape), PATIENCE])
        except Exception as error:  # a frozen track, the scenes of Live Lite: each has its own class
            log.exception("Clipbridge")
            self._say(f"Live does not take the clip ({error}). It is here: {paths[0]}")
            return
        finally:
            song.end_undo_step()
        where = list(track.clip_slots).index(slot) + 1
        self._say(f"{prompt} is in {track.name}, slot {where}" + (f" ({len(paths)} takes)" if paths[1:] else ""))

    def _empty_slot(self, track, first):
        for slot in list(track.clip_slots)[first:]:
            if not slot.has_clip:
                return slot
        self.song.create_scene(-1)
        return list(track.clip_slots)[-1]

    @staticmethod
    def _resemble(clip, other):
        for what in ("pitch_coarse", "pitch_fine", "gain", "warp_mode"):
            try:
                setattr(clip, what, getattr(other, what))
            except Exception:  # the other clip was removed, or a warp mode is not for clips made here
                log.exception("Clipbridge")

    def _fit(self, clip, shape):
        """Pin the file's two ends, and what is between, to the beats, whatever tempo Live has guessed for it. False: try again later."""
        if shape.beats is None:
            if clip.warping:
                return False
            self._play(clip, *shape.plays)
            return True
        if not clip.warping:
            return False
        seconds, beats = clip.sample_length / clip.sample_rate, shape.beats
        for marker in list(clip.warp_markers)[1:-1]:  # the last one belongs to Live and cannot be removed
            clip.remove_warp_marker(marker.beat_time)
        for place in (*shape.markers, (seconds, beats)):
            clip.add_warp_marker(Live.Clip.WarpMarker(*place))
        begins, ends = clip.sample_to_beat_time(0), clip.sample_to_beat_time(clip.sample_length)
        if abs(begins) > NEAR or abs(ends - beats) > NEAR:
            clip.warping = False
            self._say(f"{clip.name} could not be warped: it plays unwarped, at {self.song.tempo:g} BPM")
            return True
        clip.looping = shape.looping
        self._play(clip, *shape.plays)
        clip.end_marker, clip.start_marker = reversed(shape.plays)
        return True

    @staticmethod
    def _play(clip, first, last):
        clip.loop_end = last  # first: Live allows no loop that begins behind its end
        clip.loop_start = first

    def _do_later(self):
        waiting, self._later = self._later, []
        for work in waiting:
            work[1] -= 1
            try:
                done = work[0]()
            except Exception:  # the clip was removed, or Live refuses
                log.exception("Clipbridge")
                done = True
            if not done and work[1] > 0:
                self._later.append(work)
