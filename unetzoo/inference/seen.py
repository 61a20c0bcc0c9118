"""A volume as a network sees it: slice by slice, or over three axes at once."""

from unetzoo.data.formats.orientation import AXES
from unetzoo.data.formats.raster import Raster
from unetzoo.errors import OptionError
from unetzoo.inference.choices import Axes, check_axes
from unetzoo.inference.forward import Network
from unetzoo.inference.slices import SeenVolume, SliceTiling
from unetzoo.inference.whole import SeenWhole
from unetzoo.nn.wrapped import network_of


def seen_volume(
    model: Network, raster: Raster, axes: Axes | None, tiling: SliceTiling, *, name: str = "the volume"
) -> SeenVolume | SeenWhole:
    """A volume as a network sees it.

    Args:
        model: the network.
        raster: the volume (d, h, w, c).
        axes: along which slices are predicted, as of `predict_volume`.
        tiling: of slices, or of the volume.
        name: of the volume, for errors.

    Raises:
        ShapeError, OptionError: as `predict_volume`.
    """
    if network_of(model).config.spatial_dims == 2:
        return SeenVolume(model, raster, axes, tiling, name=name)
    if check_axes(axes) not in ((), AXES):
        raise OptionError("axes are those of slices, and the network sees all three at once: leave axes out")
    return SeenWhole(model, raster, tiling, name=name)
