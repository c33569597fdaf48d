"""A checkpoint as the rest of the daemon sees it: its abilities (Abilities), and the facts of a loaded one (Model)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bridge.domain.clip import Prompt
from bridge.domain.limits import SECONDS, Range
from bridge.domain.source import How
from bridge.errors import BadArgument, ClipbridgeError, Unsupported

Able = Callable[[str], Sequence[str]]
"""The names of the families that have an ability, by its word in Abilities.can."""


def no_others(_ability: str) -> Sequence[str]:
    """No other families are known."""
    return ()


WITH_SOURCES: dict[How, str] = {
    "vary": "vary a sound",
    "continue": "continue a sound",
    "fill": "fill a gap in a sound",
}


@dataclass(frozen=True, slots=True)
class Preferences:
    """The settings of a preset, ignored if the checkpoint does not have them. `effort`: a factor of the checkpoint's usual steps.
    `least_steps`: a deadline may lower the steps to this. `loop`, `note`: only the preset asks for a loop or a note."""

    steps: int | None = None
    effort: float = 1.0
    guidance: float | None = None
    negative: str | None = None
    least_steps: int | None = None
    loop: bool = False
    note: bool = False


NO_PREFERENCES = Preferences()


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a checkpoint can do, read from its JSON files.

    `sample_rate` in Hz. `seconds`: the possible lengths. `fixed_cost`: a short clip costs as much as the longest. `steps`:
    denoising steps, None in a family without them; `least_steps`: enough for a deadline. `guidance`: None for a distilled
    checkpoint. `few_steps`: the steps in which its second network makes a clip without guidance, unless there is a source; 0 without one.
    `usual_negative`: its own negative prompt, None if it takes none. `notes`: it makes exact notes (`tuned`),
    reads them in the text (`words`), or neither (`none`). `tempo`: it takes the tempo as an argument. `loops`: the end can
    run into the beginning. `audio`: what it can do with a source. `early`: pieces come before the clip is complete.
    `equal_takes`: the takes of a job equal the same seeds alone. `ranked`: it scores its takes.
    """

    sample_rate: int
    channels: int = 1
    seconds: Range = SECONDS
    fixed_cost: bool = False
    steps: Range | None = None
    usual_steps: int = 0
    least_steps: int = 1
    few_steps: int = 0
    guidance: Range | None = None
    usual_guidance: float = 1.0
    usual_negative: str | None = None
    notes: Literal["tuned", "words", "none"] = "none"
    tempo: bool = False
    loops: bool = False
    audio: frozenset[How] = frozenset()
    speech: bool = False
    lyrics: bool = False
    early: bool = False
    equal_takes: bool = True
    ranked: bool = False
    lora: bool = False

    @property
    def whole_s(self) -> float:
        """Seconds of the longest clip if every clip costs as much, else 0."""
        return self.seconds.high if self.fixed_cost else 0.0

    @property
    def can(self) -> str:
        """The abilities that a program may ask for, as words with spaces between: `guidance negative notes loops`."""
        settings = {"steps": self.steps, "guidance": self.guidance, "negative": self.usual_negative}
        words = [name for name, value in settings.items() if value is not None]
        words += ["notes"] if self.notes != "none" else []
        flags = ("tempo", "loops", "speech", "lyrics", "early", "ranked", "lora")
        return " ".join([*words, *(name for name in flags if getattr(self, name)), *sorted(self.audio)])

    def settled(self, prompt: Prompt, preferences: Preferences = NO_PREFERENCES) -> Prompt:
        """The prompt with all settings of this checkpoint: from the ask, else from the preset, else the usual ones."""
        preset = preferences
        steps, guidance, negative = prompt.steps, prompt.guidance, prompt.negative
        # Guidance and a negative prompt need the network that is guided. A preset's effort cannot scale what has one number of steps.
        few = self.few_steps if prompt.source is None and guidance is None and not negative else 0
        if steps is None and self.steps is not None:
            usual = few or round(self.usual_steps * preset.effort)
            steps = int(_within(self.steps, preset.steps or usual))
        if guidance is None and self.guidance is not None:
            usual_guidance = self.usual_guidance if preset.guidance is None else preset.guidance
            guidance = 1.0 if few and steps == few else _within(self.guidance, usual_guidance)
        if negative is None and self.usual_negative is not None:
            negative = self.usual_negative if preset.negative is None else preset.negative
        loop = prompt.loop and (self.loops or not preset.loop)
        note = prompt.note if self.notes == "tuned" or not preset.note else ""
        return replace(prompt, steps=steps, guidance=guidance, negative=negative, loop=loop, note=note)

    def fewest_steps(self, prompt: Prompt, preferences: Preferences = NO_PREFERENCES) -> int | None:
        """The steps to which a deadline may lower a settled prompt; None for a family without steps."""
        least = self.least_steps if preferences.least_steps is None else preferences.least_steps
        return None if prompt.steps is None else min(least, prompt.steps)

    def refusal(self, prompt: Prompt, name: str = "This checkpoint", able: Able = no_others) -> ClipbridgeError | None:
        """Why this checkpoint, called `name`, cannot make a prompt; None if it can. Unset settings are not refused. `able`: the families
        that have an ability, by its word in `can`."""

        def lacks(ability: str, what: str) -> ClipbridgeError:
            names = able(ability)
            return Unsupported(f"{name} {what}." + (f" Checkpoints that can: {', '.join(names)}." if names else ""))

        why: ClipbridgeError | None = None
        if prompt.transcript and not self.speech:
            why = Unsupported(
                f"{name} does not speak: leave transcript out, or change to a speech checkpoint such as "
                "anhnct/audioldm2_gigaspeech."
            )
        elif self.speech and not prompt.transcript:
            why = BadArgument(f"{name} is a speech checkpoint: send the words to speak with the key transcript.")
        elif prompt.source is not None and prompt.source.how not in self.audio:
            why = lacks(prompt.source.how, f"cannot {WITH_SOURCES[prompt.source.how]}")
        elif prompt.source is not None and prompt.source.seconds > self.seconds.high:
            why = BadArgument(
                f"{name} makes at most {self.seconds.high:g} seconds, and the source has {prompt.source.seconds:g}: choose a part of it "
                "with from and to."
            )
        elif prompt.seconds > self.seconds.high:
            why = BadArgument(f"{name} makes at most {self.seconds.high:g} seconds, not {prompt.seconds:g}.")
        elif prompt.seconds < self.seconds.low:
            why = BadArgument(f"{name} makes at least {self.seconds.low:g} seconds, not {prompt.seconds:g}.")
        elif prompt.negative and self.usual_negative is None:
            why = lacks("negative", "has no negative prompt: leave negative out")
        elif prompt.loop and not self.loops:
            why = lacks("loops", "cannot make seamless loops: leave loop out")
        elif prompt.note and self.notes == "none":
            why = lacks("notes", "cannot make single notes: leave note out")
        elif prompt.lyrics and not self.lyrics:
            why = lacks("lyrics", "does not sing: leave lyrics out")
        return why or _outside(name, "steps", prompt.steps, self.steps) or _outside(
            name, "guidance", prompt.guidance, self.guidance
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Model:
    """The facts of a loaded checkpoint that replies and recipes state. `licence`: as its card states it, else ""; `compiled`: how
    its network runs (`openvino`, `graphs`, `inductor` or `off`). `threads`: of the run that made a clip (see Engine), "" before and on a
    GPU."""

    name: str
    revision: str
    abilities: Abilities
    compute: str
    dtype: str
    scheduler: str
    scheduler_settings: tuple[tuple[str, str], ...] = ()
    licence: str = ""
    untrained: bool = False
    compiled: str = "off"
    threads: str = ""


def _within(allowed: Range, value: float) -> float:
    return min(max(value, allowed.low), allowed.high)


def _outside(name: str, key: str, value: float | None, allowed: Range | None) -> ClipbridgeError | None:
    if value is None:
        return None
    if allowed is None:
        return Unsupported(f"{name} has no {key}: leave {key} out.")
    return None if value in allowed else BadArgument(f"{name} takes {key} from {allowed}, not {value:g}.")
