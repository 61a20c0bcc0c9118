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
            build=lazy("unetzoo.losses.cross_entropy:BCELoss"),
            summary="binary cross-entropy of each class's sigmoid; binary and multilabel",
        ),
        LossSpec(
            name="ce",
            build=lazy("unetzoo.losses.cross_entropy:CrossEntropyLoss"),
            summary="cross-entropy of the softmax over classes; multiclass",
        ),
        LossSpec(
            name="focal",
            build=lazy("unetzoo.losses.focal:FocalLoss"),
            summary="cross-entropy that weighs pixels by how wrong they are",
            paper="arXiv:1708.02002",
        ),
        LossSpec(
            name="dice",
            build=lazy("unetzoo.losses.overlap:DiceLoss"),
            summary="1 - soft Dice coefficient, over the whole batch or image by image",
            paper="arXiv:1606.04797",
        ),
        LossSpec(
            name="jaccard",
            build=lazy("unetzoo.losses.overlap:JaccardLoss"),
            summary="1 - soft Jaccard index, intersection over union",
            paper="doi:10.1007/978-3-319-50835-1_22",
        ),
        LossSpec(
            name="tversky",
            build=lazy("unetzoo.losses.overlap:TverskyLoss"),
            summary="1 - Tversky index: Dice with weights for what is predicted wrongly and what is missed",
            paper="arXiv:1706.05721",
        ),
        LossSpec(
            name="focal_tversky",
            build=lazy("unetzoo.losses.overlap:FocalTverskyLoss"),
            summary="the Tversky loss of each class to a power, so that hard classes count more",
            paper="arXiv:1810.07842",
        ),
        LossSpec(
            name="generalized_dice",
            build=lazy("unetzoo.losses.generalized_dice:GeneralizedDiceLoss"),
            summary="one Dice ratio for all classes, in which rare classes count more",
            paper="arXiv:1707.03237",
        ),
        LossSpec(
            name="mcc",
            build=lazy("unetzoo.losses.mcc:MCCLoss"),
            summary="1 - soft Matthews correlation coefficient, which counts true negatives too",
            paper="arXiv:2010.13454",
        ),
        LossSpec(
            name="lovasz",
            build=lazy("unetzoo.losses.lovasz:LovaszLoss"),
            summary="Lovász extension of the Jaccard loss: softmax for multiclass, hinge for binary and multilabel",
            paper="arXiv:1705.08790",
        ),
        LossSpec(
            name="soft_bce",
            build=lazy("unetzoo.losses.cross_entropy:SoftBCELoss"),
            summary="binary cross-entropy for soft masks, from 0 to 1; binary and multilabel",
        ),
        LossSpec(
            name="soft_ce",
            build=lazy("unetzoo.losses.cross_entropy:SoftCrossEntropyLoss"),
            summary="cross-entropy for class ids or probabilities of the classes; multiclass",
        ),
        LossSpec(
            name="ohem_ce",
            build=lazy("unetzoo.losses.ohem:OHEMCrossEntropyLoss"),
            summary="cross-entropy of the hard pixels alone (online hard example mining)",
            paper="arXiv:1604.03540",
        ),
        LossSpec(
            name="poly",
            build=lazy("unetzoo.losses.focal:PolyLoss"),
            summary="cross-entropy plus a multiple of the probability that is missing",
            paper="arXiv:2204.12511",
        ),
        LossSpec(
            name="unified_focal",
            build=lazy("unetzoo.losses.unified_focal:UnifiedFocalLoss"),
            summary="asymmetric focal cross-entropy and focal Tversky loss in one, for rare foreground",
            paper="arXiv:2102.04525",
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
