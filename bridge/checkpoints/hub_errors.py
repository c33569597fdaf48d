"""Errors of the model hub as sentences."""

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

# The base error of the HTTP library, which differs between versions of the hub's client.
TRANSPORT_ERROR: Any = HfHubHTTPError.__bases__[0]
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EEXIST)


@contextlib.contextmanager
def hub_errors(name: str) -> Iterator[None]:
    """Turn every error of the hub, the connection or the disk while `name` is fetched into NoModel or FolderError."""
    endpoint = constants.ENDPOINT
    try:
        yield
    except GatedRepoError as error:
        raise NoModel(
            f"{name} requires that you accept its licence on {endpoint}/{name}, then run `hf auth login`."
        ) from error
    except RepositoryNotFoundError as error:
        what = f"{endpoint} has no model {name!r} (or it is private: run `hf auth login`)."
        raise NoModel(what) from error
    except OfflineModeIsEnabled as error:
        raise NoModel("HF_HUB_OFFLINE is set, so nothing is fetched. Unset it to pull.") from error
    except EntryNotFoundError as error:
        raise NoModel(
            f"{name} cannot be loaded: it has no model_index.json, or lacks a file of its own list."
        ) from error
    except HfHubHTTPError as error:
        raise NoModel(f"{endpoint} answered for {name}: {_reason(error)}. Try again later.") from error
    except HFValidationError as error:
        raise NoModel(f"{name[:100]!r} is not a model name; they look like {PREFERRED}.") from error
    except (OSError, TRANSPORT_ERROR) as error:
        number = getattr(error, "errno", None)
        if number in FULL:
            raise FolderError(f"The disk of {hub_cache()} is full. Make room and pull again.") from error
        if number in NOT_WRITABLE:
            what = f"{hub_cache()} cannot be written ({os.strerror(number)}). Set HF_HOME."
            raise FolderError(what) from error
        what = f"{name} could not be fetched from {endpoint} ({_reason(error)}). The bytes fetched so far are kept: pull again."
        raise NoModel(what) from error
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        what = f"The answer of {endpoint} for {name} is invalid ({_reason(error)}). Is it a model hub?"
        raise NoModel(what) from error


def _reason(error: BaseException) -> str:
    return escaped(" ".join(str(error).split())[:200])
