"""How much memory and time the objects of one large image take."""

from collections.abc import Mapping
from typing import Any

from benchmarks.page.machine import machine_line


def objects_memory_section(results: Mapping[str, Any]) -> list[str]:
    """A sentence."""
    side, peak, before = results["side"], results["peak"] / 1e9, results["before"] / 1e9
    return [
        machine_line(results["machine"]),
        f"The finished maps of {side:,} x {side:,} pixels in a file become a TIFF of {results['objects']:,} numbered "
        f"objects by the coding `{results['coding']}` in {results['seconds']:,.0f} s of the processor, with "
        f"{peak:.2f} GB resident at most, of which {before:.2f} GB are Python and its libraries before the first pixel "
        "(`python -m benchmarks.objects_memory`). Files are read and written, not mapped.",
    ]
