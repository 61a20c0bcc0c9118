"""Draw and measure every built-in decoder, and write docs/decoders.md anew: `python -m benchmarks.gallery`."""

from pathlib import Path

from benchmarks.drawings import draw_gallery
from unetzoo._utils.memory import keep_freed_memory
from unetzoo.registry.builtin import unetzoo_decoders


def main() -> None:
    """Write the page and its drawings."""
    keep_freed_memory()
    draw_gallery(list(unetzoo_decoders()), Path(__file__).parent.parent / "docs" / "decoders.md")


if __name__ == "__main__":
    main()
