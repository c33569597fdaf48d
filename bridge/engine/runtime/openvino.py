"""Networks that OpenVINO runs: on a processor faster than torch, and beside busy programs steadier, since its threads share the
work instead of waiting for each other.

The same inputs give the same bytes whatever else the processor does, alone or in a batch, as long as the number of threads is the
same. One file serves all lengths, batches and texts. The only importer of openvino.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bridge.errors import NoModel

TELEMETRY = "openvino_telemetry"
PROCESSOR = "CPU"
ACCELERATORS = ("GPU", "NPU")  # Intel's, best first


@functools.cache
def core() -> Any:
    """The core of OpenVINO, which finds devices and opens networks. Raises ImportError where it is not installed, and OSError
    where its libraries cannot be loaded."""
    # Importing openvino imports its converter, which sends statistics to Google Analytics if it finds this package, and asks
    # nobody. None in the place of a module lets its import fail.
    sys.modules.setdefault(TELEMETRY, None)  # type: ignore[arg-type]
    import openvino

    return openvino.Core()


def device(compute: str) -> str:
    """OpenVINO's name of the device for a compute."""
    return accelerator() if compute == "intel" else PROCESSOR


def accelerator() -> str:
    """The name of the Intel GPU or NPU that OpenVINO finds. Raises NoModel."""
    try:
        devices = core().available_devices
    except (ImportError, OSError) as error:
        raise NoModel(f"--compute intel needs OpenVINO: pip install openvino ({error}).") from error
    for kind in ACCELERATORS:
        for device in devices:
            if device.partition(".")[0] == kind:
                return str(device)
    raise NoModel(f"--compute intel: OpenVINO finds no Intel GPU or NPU here, only: {', '.join(devices)}.")


class Converted:
    """A Network from a file that `conversion` wrote. Call it from one thread at a time."""

    def __init__(self, file: Path, device: str, threads: int) -> None:
        """Open it on a device of OpenVINO with a fixed number of threads. Raises ImportError, OSError, RuntimeError."""
        settings: dict[str, Any] = {}
        if device.partition(":")[0] in (PROCESSOR, "AUTO"):
            settings = {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": "f32",  # the default is bf16 where the processor has it: 1 % off
            }
        if device == PROCESSOR:
            # Not bound to cores: the system may move a thread away from a core that a DAW needs.
            settings |= {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False}
        compiled = core().compile_model(str(file), device, settings)
        self._request = compiled.create_infer_request()
        self._types = [each.element_type.to_dtype() for each in compiled.inputs]

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """See Network."""
        return torch.from_numpy(self.arrays([tensor.numpy() for tensor in inputs]))

    def arrays(self, inputs: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        """As a call, for arrays."""
        typed = [np.asarray(array, kind, order="C") for array, kind in zip(inputs, self._types, strict=True)]
        answer = self._request.infer(typed, share_inputs=True, share_outputs=True)[0]
        return np.array(answer)  # a copy: the next call overwrites it


def save(exported: torch.export.ExportedProgram, file: Path) -> None:
    """Convert a network that torch has exported, and write it to `file` and, beside it, its weights."""
    core()
    import openvino

    openvino.save_model(openvino.convert_model(exported), str(file), compress_to_fp16=False)
