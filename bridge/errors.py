"""Every error that can reach a user: a code for programs, a sentence for people, an exit code for the shell."""


class ClipbridgeError(Exception):
    """Base of all errors that Clipbridge raises on purpose. `str(error)` is a sentence that a user can act on.

    `code` goes into `/bridge/failed` and `/bridge/error`; `exit_code` is the exit code of a command.
    """

    code = "internal"
    exit_code = 1


class BadArgument(ClipbridgeError):
    """A value is of the wrong type, out of range, or unknown."""

    code = "bad_argument"
    exit_code = 2


class IdTaken(BadArgument):
    """The id belongs to an unfinished job with a different ask. That job is not affected."""


class Unsupported(BadArgument):
    """The running checkpoint cannot do what was requested."""

    code = "unsupported"


class Malformed(ClipbridgeError):
    """A datagram is not well-formed OSC."""

    code = "malformed"


class UnknownAddress(ClipbridgeError):
    """The address is under /bridge/, but unknown."""

    code = "unknown_address"


class UnknownJob(ClipbridgeError):
    """No job has this id, or it ended long ago."""

    code = "unknown_job"


class QueueFull(ClipbridgeError):
    """The queue is full."""

    code = "queue_full"


class UnknownVoice(ClipbridgeError):
    """The voice is not playing."""

    code = "unknown_voice"


class PadEmpty(ClipbridgeError):
    """The pad has no take to play."""

    code = "pad_empty"


class NoStream(ClipbridgeError):
    """No stream is running."""

    code = "no_stream"


class NoAudio(ClipbridgeError):
    """No audio device can be opened, or PortAudio is missing."""

    code = "no_audio"
    exit_code = 9


class TooLate(ClipbridgeError):
    """The clip cannot be finished by its deadline, even with fewer steps."""

    code = "too_late"


class OutOfMemory(ClipbridgeError):
    """The compute ran out of memory for this job; the next one is not affected."""

    code = "out_of_memory"


class EngineLost(ClipbridgeError):
    """The engine process died or hung during this job."""

    code = "engine_lost"


class ShaperLost(ClipbridgeError):
    """The shaper process died or hung during this job."""

    code = "shaper_lost"


class BadAudio(ClipbridgeError):
    """The engine returned invalid sound: NaN or infinity, silence, or clipping."""

    code = "bad_audio"


class BadRecipe(ClipbridgeError):
    """A file has no recipe, or an invalid one."""

    code = "no_recipe"


class LibraryError(ClipbridgeError):
    """The library cannot be used: damaged, written by a newer version, or its disk is full."""

    code = "library"
    exit_code = 10


class UnknownClip(ClipbridgeError):
    """The library has no clip at this path."""

    code = "unknown_clip"


class Stopping(ClipbridgeError):
    """The daemon is shutting down."""

    code = "stopping"


class JobCancelled(ClipbridgeError):
    """Raised inside the engine at the first step after a cancel."""

    code = "cancelled"


class NotReady(ClipbridgeError):
    """The engine could not be started; `/bridge/restart` tries again."""

    code = "no_model"


class NoAnswer(ClipbridgeError):
    """A command got no answer from a daemon."""

    code = "no_answer"
    exit_code = 3


class PortTaken(ClipbridgeError):
    """Another program holds the OSC port."""

    code = "port_taken"
    exit_code = 4


class AlreadyRunning(ClipbridgeError):
    """A Clipbridge daemon answers on the OSC port."""

    code = "already_running"
    exit_code = 5


class FolderError(ClipbridgeError):
    """The sample folder cannot be written: full, read-only, gone, or forbidden."""

    code = "disk"
    exit_code = 6


class NoModel(ClipbridgeError):
    """The checkpoint is missing, damaged, or of an unsupported kind."""

    code = "no_model"
    exit_code = 7


class ConfigError(ClipbridgeError):
    """A configuration file, a `--set` or a preset file is invalid."""

    code = "bad_config"
    exit_code = 8
