"""What goes wrong with the model hub, as sentences."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from typing import Any

from huggingface_hub import constants
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from bridge.checkpoints.find import PREFERRED, hub_cache
from bridge.errors import FolderError, NoModel
from bridge.system.logs import escaped

# The HTTP library's own base error; which library it is differs between versions of the hub's client.
TRANSPORT_ERROR: Any = HfHubHTTPError.__bases__[0]
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
NOT_OURS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EEXIST)


@contextlib.contextmanager
def told(name: str) -> Iterator[None]:
    """Raises NoModel or FolderError for whatever the hub, the way to it or the disk does while `name` is fetched."""
    endpoint = constants.ENDPOINT
    try:
        yield
    except GatedRepoError as error:
        raise NoModel(f"{name} wants its licence accepted on {endpoint}/{name} first, then `hf auth login`.") from error
    except RepositoryNotFoundError as error:
        what = f"{endpoint} has no model {name!r} (or a private one, for which `hf auth login` is needed)."
        raise NoModel(what) from error
    except OfflineModeIsEnabled as error:
        raise NoModel("HF_HUB_OFFLINE is set, so nothing is fetched. Unset it to pull.") from error
    except EntryNotFoundError as error:
        raise NoModel(f"{name} is no AudioLDM 2 checkpoint: a file that each of them has is not there.") from error
    except HfHubHTTPError as error:
        raise NoModel(f"{endpoint} answers for {name}: {_reason(error)}. Try again later.") from error
    except HFValidationError as error:
        raise NoModel(f"{name[:100]!r} is no name of a model; they look like {PREFERRED}.") from error
    except (OSError, TRANSPORT_ERROR) as error:
        number = getattr(error, "errno", None)
        if number in FULL:
            raise FolderError(f"The disk of {hub_cache()} is full. Make room and pull again.") from error
        if number in NOT_OURS:
            what = f"{hub_cache()} cannot be written ({os.strerror(number)}). Set HF_HOME."
            raise FolderError(what) from error
        what = f"{name} could not be fetched from {endpoint} ({_reason(error)}). What is there stays: pull again."
        raise NoModel(what) from error
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        what = f"What {endpoint} answers for {name} makes no sense ({_reason(error)}). Is it a model hub?"
        raise NoModel(what) from error


def _reason(error: BaseException) -> str:
    return escaped(" ".join(str(error).split())[:200])
