"""The parts that unetzoo itself provides, declared through the same hooks as everybody else's."""

from collections.abc import Iterator

from unetzoo.encoders.timm_names import timm_names, timm_spec
from unetzoo.registry.hookspecs import hookimpl
from unetzoo.specs import DatasetSpec, DecoderSpec, EncoderFamily, EncoderSpec, LossSpec, lazy

COMMANDS = {
    "list": lazy("unetzoo.cli.list:list_parts"),
    "describe": lazy("unetzoo.cli.describe:describe_part"),
    "info": lazy("unetzoo.cli.info:info"),
    "plugins": lazy("unetzoo.cli.plugins:plugins"),
    "new-plugin": lazy("unetzoo.cli.new_plugin:new_plugin"),
    "demo": lazy("unetzoo.cli.demo:demo"),
    "data": lazy("unetzoo.cli.data:data"),
    "train": lazy("unetzoo.cli.train:train"),
    "evaluate": lazy("unetzoo.cli.evaluate:evaluate"),
    "predict": lazy("unetzoo.cli.predict:predict"),
    "bench": lazy("unetzoo.cli.bench:bench"),
    "push": lazy("unetzoo.cli.hub:push_folder"),
    "pull": lazy("unetzoo.cli.hub:pull_model"),
    "search": lazy("unetzoo.cli.hub:search_hub"),
}
"""The commands of unetzoo itself, functions and groups, in the order of `--help`; plugins cannot take their names."""


@hookimpl
def unetzoo_encoders() -> Iterator[EncoderSpec | EncoderFamily]:
    """U-Net's original encoder, U2-Net's encoder and every backbone of timm."""
    yield EncoderSpec(
        name="plain",
        build=lazy("unetzoo.encoders.plain:PlainEncoder"),
        summary="the original U-Net's encoder: two convolutions per level, max pooling between levels",
        paper="arXiv:1505.04597",
    )
    yield EncoderSpec(
        name="u2net",
        build=lazy("unetzoo.encoders.u2net:U2NetEncoder"),
        summary="a small U-Net per level, max pooling between levels; made for the decoder u2net",
        paper="arXiv:2005.09007",
    )
    yield EncoderFamily(
        prefix="timm",
        names=timm_names,
        spec=timm_spec,
        examples=("resnet10t", "convnext_atto", "test_vit", "hrnet_w18_small"),
    )


@hookimpl
def unetzoo_decoders() -> tuple[DecoderSpec, ...]:
    """The built-in decoders."""
    return (
        DecoderSpec(
            name="unet",
            build=lazy("unetzoo.decoders.unet:UNetDecoder"),
            summary="upsamples, concatenates the skip and convolves twice, level by level",
            paper="arXiv:1505.04597",
            when="Start here: it is hard to beat on few images, and fast once optimized.",
        ),
        DecoderSpec(
            name="unetpp",
            build=lazy("unetzoo.decoders.unetpp:UNetPlusPlusDecoder"),
            summary="nested U-Nets of every depth with dense skips; can be pruned",
            paper="arXiv:1807.10165",
            when="Use it for fine structures of several sizes, or to train once and prune to several speeds.",
        ),
        DecoderSpec(
            name="linknet",
            build=lazy("unetzoo.decoders.linknet:LinkNetDecoder"),
            summary="narrow blocks whose outputs are added to the skips; small and fast",
            paper="arXiv:1707.03718",
            when="Use it for real time on modest hardware; large objects lose little accuracy.",
        ),
        DecoderSpec(
            name="fpn",
            build=lazy("unetzoo.decoders.fpn:FPNDecoder"),
            summary="a top-down pyramid of one width; all levels are upsampled and added",
            paper="arXiv:1612.03144",
            when="Use it for objects of very different sizes and few classes; borders are coarse (4 pixels).",
        ),
        DecoderSpec(
            name="pspnet",
            build=lazy("unetzoo.decoders.pspnet:PSPNetDecoder"),
            summary="the deepest level and its averages over grids of several sizes",
            paper="arXiv:1612.01105",
            when="Use it for scenes whose regions depend on the whole image, when fine borders do not matter.",
        ),
        DecoderSpec(
            name="deeplabv3",
            build=lazy("unetzoo.decoders.deeplabv3:DeepLabV3Decoder"),
            summary="dilated convolutions with several rates on the deepest level",
            paper="arXiv:1706.05587",
            when="Use it for large regions with wide context, with an encoder with output_stride 8 or 16 (slower).",
        ),
        DecoderSpec(
            name="deeplabv3plus",
            build=lazy("unetzoo.decoders.deeplabv3plus:DeepLabV3PlusDecoder"),
            summary="dilated convolutions on the deepest level, refined by a fine level",
            paper="arXiv:1802.02611",
            when="Like deeplabv3, but with finer borders; the usual choice for street scenes.",
        ),
        DecoderSpec(
            name="pan",
            build=lazy("unetzoo.decoders.pan:PANDecoder"),
            summary="pyramid attention at the deepest level and gated skips above it",
            paper="arXiv:1805.10180",
            when="Use it for wide context at little cost, with an encoder with output_stride 16.",
        ),
        DecoderSpec(
            name="manet",
            build=lazy("unetzoo.decoders.manet:MANetDecoder"),
            summary="a U-Net with attention at the deepest level and gated fusion above it",
            paper="doi:10.1109/ACCESS.2020.3025372",
            when="Use it when context matters most, as with organs and tumors, and memory is plentiful.",
        ),
        DecoderSpec(
            name="upernet",
            build=lazy("unetzoo.decoders.upernet:UPerNetDecoder"),
            summary="pyramid pooling on top of a feature pyramid, with all levels fused",
            paper="arXiv:1807.10221",
            when="Use it with transformers and ConvNeXt for many classes; their papers use it, too.",
        ),
        DecoderSpec(
            name="segformer",
            build=lazy("unetzoo.decoders.segformer:SegFormerDecoder"),
            summary="a linear layer per level and one for all levels together",
            paper="arXiv:2105.15203",
            when="Use it with hierarchical transformers; it adds little cost to any encoder.",
        ),
        DecoderSpec(
            name="dpt",
            build=lazy("unetzoo.decoders.dpt:DPTDecoder"),
            summary="the levels of a plain ViT, resampled and fused by residual blocks",
            paper="arXiv:2103.13413",
            when="Use it with plain ViTs, whose levels have one resolution, above all with large pretrained ViTs.",
        ),
        DecoderSpec(
            name="fcn",
            build=lazy("unetzoo.decoders.fcn:FCNDecoder"),
            summary="class scores of the deep levels, upsampled and added: FCN-32s, -16s and -8s",
            paper="arXiv:1411.4038",
            when="A baseline that is older than the U-Net; its skips carry only scores.",
        ),
        DecoderSpec(
            name="resunet",
            build=lazy("unetzoo.decoders.resunet:ResUNetDecoder"),
            summary="a U-Net of residual blocks",
            paper="arXiv:1711.10684",
            when="Like unet, but trains more reliably when deep: shortcuts carry the gradient.",
        ),
        DecoderSpec(
            name="u2net",
            build=lazy("unetzoo.decoders.u2net:U2NetDecoder"),
            summary="a U-Net whose blocks are U-Nets, with all levels fused at the end; made for the encoder u2net",
            paper="arXiv:2005.09007",
            when="Use it for salient objects and mattes, with the encoder u2net; with other encoders it is heavy.",
        ),
    )


@hookimpl
def unetzoo_losses() -> tuple[LossSpec, ...]:
    """The built-in losses."""
    return (
        LossSpec(
            name="bce",
            build=lazy("unetzoo.losses.cross_entropy:BCELoss"),
            summary="binary cross-entropy of each class; binary and multilabel",
        ),
        LossSpec(
            name="ce",
            build=lazy("unetzoo.losses.cross_entropy:CrossEntropyLoss"),
            summary="cross-entropy of the softmax over classes; multiclass",
        ),
        LossSpec(
            name="focal",
            build=lazy("unetzoo.losses.focal:FocalLoss"),
            summary="cross-entropy in which poorly classified pixels weigh more",
            paper="arXiv:1708.02002",
        ),
        LossSpec(
            name="dice",
            build=lazy("unetzoo.losses.overlap:DiceLoss"),
            summary="1 - soft Dice coefficient, over the whole batch or per image",
            paper="arXiv:1606.04797",
        ),
        LossSpec(
            name="jaccard",
            build=lazy("unetzoo.losses.overlap:JaccardLoss"),
            summary="1 - soft Jaccard index (intersection over union)",
            paper="doi:10.1007/978-3-319-50835-1_22",
        ),
        LossSpec(
            name="tversky",
            build=lazy("unetzoo.losses.overlap:TverskyLoss"),
            summary="1 - Tversky index: Dice with weights for false positives and false negatives",
            paper="arXiv:1706.05721",
        ),
        LossSpec(
            name="focal_tversky",
            build=lazy("unetzoo.losses.overlap:FocalTverskyLoss"),
            summary="a power of each class's Tversky loss, so that hard classes weigh more",
            paper="arXiv:1810.07842",
        ),
        LossSpec(
            name="generalized_dice",
            build=lazy("unetzoo.losses.generalized_dice:GeneralizedDiceLoss"),
            summary="one Dice coefficient for all classes, in which rare classes weigh more",
            paper="arXiv:1707.03237",
        ),
        LossSpec(
            name="mcc",
            build=lazy("unetzoo.losses.mcc:MCCLoss"),
            summary="1 - soft Matthews correlation coefficient, which also counts true negatives",
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
            summary="binary cross-entropy for soft masks with values from 0 to 1; binary and multilabel",
        ),
        LossSpec(
            name="soft_ce",
            build=lazy("unetzoo.losses.cross_entropy:SoftCrossEntropyLoss"),
            summary="cross-entropy for class ids or class probabilities; multiclass",
        ),
        LossSpec(
            name="ohem_ce",
            build=lazy("unetzoo.losses.ohem:OHEMCrossEntropyLoss"),
            summary="cross-entropy of the hardest pixels (online hard example mining)",
            paper="arXiv:1604.03540",
        ),
        LossSpec(
            name="poly",
            build=lazy("unetzoo.losses.focal:PolyLoss"),
            summary="cross-entropy plus a multiple of 1 - p, the missing probability",
            paper="arXiv:2204.12511",
        ),
        LossSpec(
            name="unified_focal",
            build=lazy("unetzoo.losses.unified_focal:UnifiedFocalLoss"),
            summary="asymmetric focal cross-entropy plus focal Tversky loss, for rare foreground",
            paper="arXiv:2102.04525",
        ),
    )


@hookimpl
def unetzoo_datasets() -> tuple[DatasetSpec, ...]:
    """The built-in data sets."""
    return (
        DatasetSpec(
            name="nuclei",
            build=lazy("unetzoo.data.datasets.nuclei:NucleiDataset"),
            summary="one fluorescence image of 125 nuclei, split into three parts; bundled with unetzoo",
            license="CC0-1.0",
        ),
        DatasetSpec(
            name="brain-tissue",
            build=lazy("unetzoo.data.datasets.brain_tissue:BrainTissueDataset"),
            summary="coronal slices of the ICBM152 T1 template with CSF, grey and white matter; needs unetzoo[brain]",
            paper="doi:10.1016/j.neuroimage.2010.07.033",
        ),
    )
