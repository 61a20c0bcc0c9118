"""Draw and measure every built-in decoder, and write docs/decoders.md anew: `python benchmarks/gallery.py`."""

from pathlib import Path

from unetzoo.builtin import unetzoo_decoders
from unetzoo.inspection.gallery import draw_gallery
from unetzoo.memory import keep_freed_memory


def main() -> None:
    """Write the page and its drawings."""
    keep_freed_memory()
    draw_gallery(list(unetzoo_decoders()), Path(__file__).parent.parent / "docs" / "decoders.md")


if __name__ == "__main__":
    main()
