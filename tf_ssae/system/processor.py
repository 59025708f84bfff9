"""What this machine's processor is, and what it can do, as Linux says."""

import pathlib
import platform

_CPUINFO = pathlib.Path("/proc/cpuinfo")
# Instructions that multiply matrices of bfloat16.
_BFLOAT16 = ("amx_bf16", "avx512_bf16")


def name() -> str:
    """Its model, such as "AMD EPYC"."""
    return _first("model name") or platform.processor()


def bfloat16() -> list[str]:
    """The names of its instructions that multiply bfloat16; none if it has none, or if it cannot be
    read.
    """
    flags = _first("flags").split()
    return [flag for flag in _BFLOAT16 if flag in flags]


def _first(key: str) -> str:
    """The value of a key for the first core; empty if there is none."""
    try:
        lines = _CPUINFO.read_text().splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")
