"""Plan a training: from images and masks to a network, its patch and its batch."""

from collections.abc import Callable, Sequence

from unetzoo.checks import check_texts
from unetzoo.data.find import Data
from unetzoo.data.masks.options import Classes, MaskOptions, Masks, Value
from unetzoo.errors import OptionError
from unetzoo.planning.estimate import PlannedEncoder
from unetzoo.planning.fingerprint import Fingerprint
from unetzoo.planning.measure import measure
from unetzoo.planning.memory import memory_at_hand
from unetzoo.planning.planner import Plan, check_plan_options, plan_for


def fingerprint(
    data: Data,
    *,
    classes: Classes | None = None,
    masks: Masks = "auto",
    ignore: Sequence[Value] | Value = (),
    threshold: float | None = None,
    nearest_color: bool = False,
    volumes: bool = False,
    channels: Sequence[str] = (),
    spacing: Sequence[float] = (),
    on_read: Callable[[int], None] | None = None,
) -> Fingerprint:
    """What a plan needs to know of a data set: sizes, spacings, and the intensities of the foreground.

    Images and masks are read twice, to check them and to measure them; the test split does not count.

    Args:
        data: as for `unetzoo.survey`.
        classes: as for `unetzoo.survey`.
        masks: as for `unetzoo.survey`.
        ignore: as for `unetzoo.survey`.
        threshold: as for `unetzoo.survey`.
        nearest_color: as for `unetzoo.survey`.
        volumes: 3-D arrays, such as TIFF stacks, are volumes and not images with channels.
        channels: a name for each channel, such as `["CT"]`; empty: those that the files or nnU-Net's `dataset.json`
            say. By them the normalization is chosen.
        spacing: distance between pixels along (z, y, x), or (y, x) of images, of files that state none.
        on_read: called after each image or slice that is read, with the number of all that will be.

    Raises:
        DataError: there is no such data set, it has errors or no foreground, or volumes state no distances.
        OptionError: classes, channels or a spacing that do not fit.
    """
    options = MaskOptions(classes, masks, ignore, threshold, nearest_color)
    names = check_texts("channels", channels)
    return measure(data, options, as_volumes=volumes, channels=names, spacing=spacing, on_read=on_read)


def plan(
    data: Data | Fingerprint,
    *,
    encoder: PlannedEncoder = "plain",
    memory: float | None = None,
    spatial_dims: int | None = None,
    classes: Classes | None = None,
    masks: Masks = "auto",
    ignore: Sequence[Value] | Value = (),
    threshold: float | None = None,
    nearest_color: bool = False,
    channels: Sequence[str] = (),
    spacing: Sequence[float] = (),
    on_read: Callable[[int], None] | None = None,
) -> Plan:
    """Plan a network and its training by the data and the memory, by the rules of nnU-Net.

    They are those of Isensee et al. 2021 (doi:10.1038/s41592-020-01008-z) and 2024 (arXiv:2404.09556), as the package
    nnunetv2 2.8 has them.

    Args:
        data: as for `unetzoo.survey`, or a fingerprint, which is not measured again.
        encoder: `"plain"`: nnU-Net's first network; `"resenc"`: residual blocks in the encoder.
        memory: in GB; None: that of the first GPU; without one 8, as nnU-Net supposes, or half of what is free if that
            is less. The rules suppose mixed precision; float32 takes nearly twice as much.
        spatial_dims: 3: a network of volumes, as which 3-D arrays such as TIFF stacks are read; 2: one of images, or of
            the slices of volumes across the largest spacing; None: 3 where files hold volumes.
        classes: as for `unetzoo.survey`.
        masks: as for `unetzoo.survey`.
        ignore: as for `unetzoo.survey`.
        threshold: as for `unetzoo.survey`.
        nearest_color: as for `unetzoo.survey`.
        channels: as for `unetzoo.fingerprint`.
        spacing: as for `unetzoo.fingerprint`.
        on_read: as for `unetzoo.fingerprint`.

    Raises:
        DataError: as of `unetzoo.fingerprint`.
        OptionError: likewise, or an invalid value, a network of volumes for images, or no patch fits in the memory.
    """
    check_plan_options(encoder, memory, spatial_dims)
    options = MaskOptions(classes, masks, ignore, threshold, nearest_color)
    if isinstance(data, Fingerprint):
        if options != MaskOptions() or channels or spacing:
            raise OptionError("the fingerprint is measured already: give classes, masks, channels and spacing there")
        measured = data
    else:
        names = check_texts("channels", channels)
        as_volumes = spatial_dims == 3
        measured = measure(data, options, as_volumes=as_volumes, channels=names, spacing=spacing, on_read=on_read)
    size = memory_at_hand().size if memory is None else memory
    return plan_for(measured, encoder=encoder, memory=size, spatial_dims=spatial_dims)
