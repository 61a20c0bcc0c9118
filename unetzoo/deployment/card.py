"""The section of a model card that says how a network was deployed."""

from collections.abc import Mapping, Sequence
from typing import Any

from unetzoo._utils.texts import markdown
from unetzoo.deployment.candidates import Candidate


def table_of(candidates: Sequence[Candidate], facts: Mapping[str, Any]) -> str:
    """Markdown: all candidates with their numbers, and why one was kept."""
    rows = "\n".join(f"| {' | '.join(cells(each))} |" for each in candidates)
    sides = " x ".join(map(str, facts["timed_pixels"]))
    image, pixels = ("image", "pixels") if len(facts["timed_pixels"]) == 2 else ("volume", "voxels")
    place = facts["machine"]
    return (
        "\n## Deployment\n\n"
        f"Measured on {markdown(str(place['processor']))}, {place['threads']} threads: the {facts['metric']} on"
        f" {facts['validation_images']:,} validation {image}s, and the time of one of {sides} {pixels},"
        " called in turn. Kept is the fastest that loses at most"
        f" {facts['max_drop']:g}. Run it by `unetzoo predict`.\n\n"
        f"| engine | arithmetic | {facts['metric']} | ms | times as fast | MB | |\n"
        f"|---|---|---:|---:|---:|---:|---|\n{rows}\n"
    )


def cells(candidate: Candidate) -> tuple[str, ...]:
    """A row of the table, as text."""
    score = "" if candidate.score is None else f"{candidate.score:.4f}"
    times = "" if candidate.seconds is None else f"{candidate.seconds * 1e3:,.0f}"
    ratio = "" if candidate.ratio is None else f"{candidate.ratio:.2f}"
    size = "" if candidate.bytes is None else f"{candidate.bytes / 1e6:,.1f}"
    return candidate.engine, candidate.dtype, score, times, ratio, size, markdown(candidate.reason or "kept")
