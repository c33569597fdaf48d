"""Every error that can reach a user: a code for programs, a sentence for people, an exit code for the shell."""


class ClipbridgeError(Exception):
    """Base of all errors that Clipbridge raises on purpose. `str(error)` is a sentence that a user can act on.

    `code` goes into `/bridge/failed` and `/bridge/error`; `exit_code` is the exit code of a command.
    """

    code = "internal"
    exit_code = 1

    def __init_subclass__(cls, code: str = "", exit_code: int = 0) -> None:
        """A subclass inherits what it does not state."""
        cls.code, cls.exit_code = code or cls.code, exit_code or cls.exit_code


class BadArgument(ClipbridgeError, code="bad_argument", exit_code=2):
    """A value is of the wrong type, out of range, or unknown."""


class IdTaken(BadArgument):
    """The id belongs to an unfinished job with a different ask. That job is not affected."""


class NameTaken(BadArgument, code="name_taken"):
    """A model has the name that a new one should get."""


class Unsupported(BadArgument, code="unsupported"):
    """The running checkpoint cannot do what was requested."""


class BadSource(BadArgument, code="bad_source"):
    """The audio that a clip should start from is gone, was changed, or cannot be used."""


class Malformed(ClipbridgeError, code="malformed"):
    """A datagram is not well-formed OSC."""


class UnknownAddress(ClipbridgeError, code="unknown_address"):
    """The address is under /bridge/, but unknown."""


class UnknownJob(ClipbridgeError, code="unknown_job"):
    """No job has this id, or it ended long ago."""


class QueueFull(ClipbridgeError, code="queue_full"):
    """The queue is full."""


class UnknownVoice(ClipbridgeError, code="unknown_voice"):
    """The voice is not playing."""


class PadEmpty(ClipbridgeError, code="pad_empty"):
    """The pad has no take to play."""


class NoStream(ClipbridgeError, code="no_stream"):
    """No stream is running."""


class Silenced(ClipbridgeError, code="cancelled"):
    """Everything was stopped before this could sound."""


class NoAudio(ClipbridgeError, code="no_audio", exit_code=9):
    """No audio device can be opened, or PortAudio is missing."""


class TooLate(ClipbridgeError, code="too_late"):
    """The clip cannot be finished by its deadline, even with fewer steps."""


class OutOfMemory(ClipbridgeError, code="out_of_memory"):
    """The compute ran out of memory for this job; the next one is not affected."""


class EngineLost(ClipbridgeError, code="engine_lost"):
    """The engine process died or hung during this job."""


class ShaperLost(ClipbridgeError, code="shaper_lost"):
    """The shaper process died or hung during this job."""


class LearnerLost(ClipbridgeError, code="learner_lost"):
    """The process that learns a folder died or hung; the same request goes on where it was."""


class BadAudio(ClipbridgeError, code="bad_audio"):
    """The engine returned invalid sound: NaN or infinity, silence, or clipping; or a file has no sound that can be read."""


class BadRecipe(ClipbridgeError, code="no_recipe"):
    """A file has no recipe, or an invalid one."""


class LibraryError(ClipbridgeError, code="library", exit_code=10):
    """The library cannot be used: damaged, written by a newer version, or its disk is full."""


class UnknownClip(ClipbridgeError, code="unknown_clip"):
    """The path is not that of a clip of the library, or of an audio file that may be used."""


class Stopping(ClipbridgeError, code="stopping"):
    """The daemon is shutting down."""


class JobCancelled(ClipbridgeError, code="cancelled"):
    """Raised inside the engine at the first step after a cancel."""


class NotReady(ClipbridgeError, code="no_model"):
    """The engine could not be started; `/bridge/restart` tries again."""


class NoAnswer(ClipbridgeError, code="no_answer", exit_code=3):
    """A command got no answer from a daemon."""


class PortTaken(ClipbridgeError, code="port_taken", exit_code=4):
    """Another program holds the OSC port."""


class AlreadyRunning(ClipbridgeError, code="already_running", exit_code=5):
    """A Clipbridge daemon answers on the OSC port."""


class FolderError(ClipbridgeError, code="disk", exit_code=6):
    """The sample folder cannot be written: full, read-only, gone, or forbidden."""


class SystemRefused(ClipbridgeError, code="system"):
    """The system's own program for services or shortcuts (systemctl, launchctl, PowerShell) failed."""


class NoModel(ClipbridgeError, code="no_model", exit_code=7):
    """The checkpoint is missing, damaged, or of an unsupported kind."""


class ConfigError(ClipbridgeError, code="bad_config", exit_code=8):
    """A configuration file, a `--set` or a preset file is invalid."""


class NoWindow(ClipbridgeError, code="no_window", exit_code=11):
    """The panel cannot open a window: PySide6, a library of the system, or a screen is missing."""
