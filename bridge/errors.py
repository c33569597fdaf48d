"""Every error that can reach a musician: a code for programs, a sentence to act on, an exit code for the shell."""


class ClipbridgeError(Exception):
    """Base of all errors that we raise on purpose. `str(error)` is a sentence that a musician can act on.

    `code` is what goes into `/bridge/failed` and `/bridge/error`; `exit_code` is what a command ends with.
    """

    code = "internal"
    exit_code = 1


class BadArgument(ClipbridgeError):
    """A value that was asked for is of the wrong type, out of range, or unknown."""

    code = "bad_argument"
    exit_code = 2


class IdTaken(BadArgument):
    """The id belongs to an unfinished job with another ask; that job is not touched."""


class Unsupported(BadArgument):
    """Something that the checkpoint which runs cannot do."""

    code = "unsupported"


class Malformed(ClipbridgeError):
    """A datagram that is not well-formed OSC."""

    code = "malformed"


class UnknownAddress(ClipbridgeError):
    """An OSC address under /bridge/ that nobody answers."""

    code = "unknown_address"


class UnknownJob(ClipbridgeError):
    """An id that no job has, or whose job is long over."""

    code = "unknown_job"


class QueueFull(ClipbridgeError):
    """As many jobs wait as the queue holds."""

    code = "queue_full"


class UnknownVoice(ClipbridgeError):
    """A voice that does not sound."""

    code = "unknown_voice"


class PadEmpty(ClipbridgeError):
    """A pad that has nothing to sound."""

    code = "pad_empty"


class NoStream(ClipbridgeError):
    """No stream is on."""

    code = "no_stream"


class NoAudio(ClipbridgeError):
    """No audio device can be opened, or PortAudio is missing."""

    code = "no_audio"
    exit_code = 9


class TooLate(ClipbridgeError):
    """The clip cannot be there by its deadline, whatever is lowered."""

    code = "too_late"


class OutOfMemory(ClipbridgeError):
    """The compute ran out of memory for this job; the next one is not affected."""

    code = "out_of_memory"


class EngineLost(ClipbridgeError):
    """The engine process died or hung while it made this job."""

    code = "engine_lost"


class ShaperLost(ClipbridgeError):
    """The shaper process died or hung while it wrote this job's clip."""

    code = "shaper_lost"


class BadAudio(ClipbridgeError):
    """The engine returned something that is not sound (NaN or infinity)."""

    code = "bad_audio"


class BadRecipe(ClipbridgeError):
    """A file that carries no recipe, or one that cannot be followed."""

    code = "no_recipe"


class LibraryError(ClipbridgeError):
    """The library cannot be used: damaged, written by a newer version, or its disk is full."""

    code = "library"
    exit_code = 10


class UnknownClip(ClipbridgeError):
    """A path that the library has no clip at."""

    code = "unknown_clip"


class Stopping(ClipbridgeError):
    """The daemon is being stopped."""

    code = "stopping"


class JobCancelled(ClipbridgeError):
    """Raised inside the engine at the step after a cancel."""

    code = "cancelled"


class NotReady(ClipbridgeError):
    """The engine could not be brought up; `/bridge/restart` tries again."""

    code = "no_model"


class NoAnswer(ClipbridgeError):
    """`clipbridge generate` found no daemon."""

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
    """The checkpoint is missing, damaged, or of a kind that we cannot run."""

    code = "no_model"
    exit_code = 7


class ConfigError(ClipbridgeError):
    """A configuration file, a `--set` or a preset file says something that cannot be."""

    code = "bad_config"
    exit_code = 8
