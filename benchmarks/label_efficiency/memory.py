"""Peak memory of this process, by the kernel's own count."""

from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def reset() -> None:
    """Count the peak anew from here; where that cannot be done (not Linux), it stays the process's."""
    if CLEAR.exists():
        CLEAR.write_text("5", encoding="ascii")


def peak_mb() -> float:
    """Most resident memory since the reset, MiB; 0 where the kernel does not say."""
    if not STATUS.exists():
        return 0.0
    kilobytes = next(line.split()[1] for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) / 1024
