"""Many installed plugins: what they cost those who do not use them."""

from pathlib import Path

_MODULE = """import unetzoo

UNETZOO_CONTRACT = 1


@unetzoo.hookimpl
def unetzoo_decoders():
    yield unetzoo.DecoderSpec(name="crowd_{number}", build=unetzoo.lazy("crowd_{number}.decoder:Decoder"))
"""
READ_ENTRY_POINTS = """
import unetzoo
from importlib.metadata import entry_points
for point in entry_points(group="unetzoo"):
    point.dist.name, point.dist.version, point.load()
"""
"""What finding and importing them takes at least."""


def install_crowd(folder: Path, plugins: int) -> None:
    """Write that many distributions, each of one plugin, as an installer leaves them."""
    for number in range(plugins):
        info = folder / f"unetzoo_crowd_{number}-1.0.dist-info"
        info.mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: unetzoo-crowd-{number}\nVersion: 1.0\n"
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[unetzoo]\ncrowd = crowd_{number}\n", encoding="utf-8")
        (folder / f"crowd_{number}.py").write_text(_MODULE.format(number=number), encoding="utf-8")
