"""The parts that unetzoo itself provides, declared through the same hooks as everybody else's."""

from collections.abc import Iterator

from unetzoo.encoders.timm_names import timm_names, timm_spec
from unetzoo.hookspecs import hookimpl
from unetzoo.specs import DatasetSpec, DecoderSpec, EncoderFamily, EncoderSpec, LossSpec, lazy


@hookimpl
def unetzoo_encoders() -> Iterator[EncoderSpec | EncoderFamily]:
    """The contracting path of 2015, and every backbone of timm."""
    yield EncoderSpec(
        name="plain",
        build=lazy("unetzoo.encoders.plain:PlainEncoder"),
        summary="the contracting path of the first U-Net: two convolutions a level, max pooling between",
        paper="arXiv:1505.04597",
    )
    yield EncoderFamily(
        prefix="timm",
        names=timm_names,
        spec=timm_spec,
        examples=("resnet10t", "convnext_atto", "test_vit", "hrnet_w18_small"),
    )


@hookimpl
def unetzoo_decoders() -> tuple[DecoderSpec, ...]:
    """One line a decoder."""
    return (
        DecoderSpec(
            name="unet",
            build=lazy("unetzoo.decoders.unet:UNetDecoder"),
            summary="upsample, concatenate the skip, convolve twice; level by level",
            paper="arXiv:1505.04597",
        ),
        DecoderSpec(
            name="unetpp",
            build=lazy("unetzoo.decoders.unetpp:UNetPlusPlusDecoder"),
            summary="U-Nets of every depth nested in one another, with dense skips; can be pruned",
            paper="arXiv:1807.10165",
        ),
    )


@hookimpl
def unetzoo_losses() -> tuple[LossSpec, ...]:
    """One line a loss."""
    return (
        LossSpec(
            name="bce",
            build=lazy("unetzoo.losses.pixel:BCELoss"),
            summary="binary cross-entropy of each class's sigmoid; binary and multilabel",
        ),
        LossSpec(
            name="ce",
            build=lazy("unetzoo.losses.pixel:CrossEntropyLoss"),
            summary="cross-entropy of the softmax over classes; multiclass",
        ),
        LossSpec(
            name="focal",
            build=lazy("unetzoo.losses.pixel:FocalLoss"),
            summary="cross-entropy that weighs pixels by how wrong they are",
            paper="arXiv:1708.02002",
        ),
        LossSpec(
            name="dice",
            build=lazy("unetzoo.losses.region:DiceLoss"),
            summary="1 - soft Dice coefficient, over the whole batch or image by image",
            paper="arXiv:1606.04797",
        ),
    )


@hookimpl
def unetzoo_datasets() -> tuple[DatasetSpec, ...]:
    """One line a data set."""
    return (
        DatasetSpec(
            name="nuclei",
            build=lazy("unetzoo.datasets.nuclei:NucleiDataset"),
            summary="one fluorescence image of 125 nuclei, in three parts; ships with unetzoo",
            license="CC0-1.0",
        ),
        DatasetSpec(
            name="brain-tissue",
            build=lazy("unetzoo.datasets.brain_tissue:BrainTissueDataset"),
            summary="coronal slices of the ICBM152 T1 template with CSF, grey and white matter; needs unetzoo[brain]",
            paper="doi:10.1016/j.neuroimage.2010.07.033",
        ),
    )
