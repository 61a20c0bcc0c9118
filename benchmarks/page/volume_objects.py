"""How much memory and time the objects of large volumes take."""

from collections.abc import Mapping
from typing import Any

from benchmarks.page.machine import machine_line


def volume_objects_section(results: Mapping[str, Any]) -> list[str]:
    """A table, a volume a row."""
    table = [
        "| voxels | nuclei | found | processor | allocated at most | resident at most |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    table += [
        f"| {' x '.join(f'{length:,}' for length in volume['shape'])} | {volume['drawn']:,} | {volume['found']:,} | "
        f"{volume['seconds']:,.0f} s | {volume['allocated'] / 1e9:.2f} GB | {volume['resident'] / 1e9:.2f} GB |"
        for volume in results["volumes"]
    ]
    before = max(volume["before"] for volume in results["volumes"]) / 1e9
    return [
        machine_line(results["machine"]),
        f"`unetzoo predict` turns TIFF stacks of nuclei into numbers by the coding `{results['coding']}` and a tiny "
        "network, with `--largest-object 32` (`python -m benchmarks.volume_objects`). Allocated is the memory that "
        f"nothing gives back, of which {before:.2f} GB are Python, its libraries and the network before the first "
        "voxel; resident memory has mapped files, too, such as those of the maps, which the system takes back where "
        "it needs it. Volumes of over 16 million voxels are decoded in blocks of at most 266 voxels along each axis; "
        "the first one here is decoded as a whole.",
        "\n".join(table),
    ]
