"""The built-in decoders."""

from unetzoo.specs import DecoderSpec, lazy

_DECODERS = {  # class, in the module of that name, and paper
    "unet": ("UNetDecoder", "arXiv:1505.04597"),
    "unetpp": ("UNetPlusPlusDecoder", "arXiv:1807.10165"),
    "linknet": ("LinkNetDecoder", "arXiv:1707.03718"),
    "fpn": ("FPNDecoder", "arXiv:1612.03144"),
    "pspnet": ("PSPNetDecoder", "arXiv:1612.01105"),
    "deeplabv3": ("DeepLabV3Decoder", "arXiv:1706.05587"),
    "deeplabv3plus": ("DeepLabV3PlusDecoder", "arXiv:1802.02611"),
    "pan": ("PANDecoder", "arXiv:1805.10180"),
    "manet": ("MANetDecoder", "doi:10.1109/ACCESS.2020.3025372"),
    "upernet": ("UPerNetDecoder", "arXiv:1807.10221"),
    "segformer": ("SegFormerDecoder", "arXiv:2105.15203"),
    "dpt": ("DPTDecoder", "arXiv:2103.13413"),
    "fcn": ("FCNDecoder", "arXiv:1411.4038"),
    "resunet": ("ResUNetDecoder", "arXiv:1711.10684"),
    "u2net": ("U2NetDecoder", "arXiv:2005.09007"),
    "vnet": ("VNetDecoder", "arXiv:1606.04797"),
}
_OVER_VOLUMES = {"unet", "unetpp", "linknet", "fpn", "fcn", "resunet", "vnet"}
_DECODER_SUMMARIES = {
    "unet": "upsamples, concatenates the skip and convolves twice, level by level",
    "unetpp": "nested U-Nets of every depth with dense skips; can be pruned",
    "linknet": "narrow blocks whose outputs are added to the skips; small and fast",
    "fpn": "a top-down pyramid of one width; all levels are upsampled and added",
    "pspnet": "the deepest level and its averages over grids of several sizes",
    "deeplabv3": "dilated convolutions with several rates on the deepest level",
    "deeplabv3plus": "dilated convolutions on the deepest level, refined by a fine level",
    "pan": "pyramid attention at the deepest level and gated skips above it",
    "manet": "a U-Net with attention at the deepest level and gated fusion above it",
    "upernet": "pyramid pooling on top of a feature pyramid, with all levels fused",
    "segformer": "a linear layer per level and one for all levels together",
    "dpt": "the levels of a plain ViT, resampled and fused by residual blocks",
    "fcn": "class scores of the deep levels, upsampled and added: FCN-32s, -16s and -8s",
    "resunet": "a U-Net of residual blocks",
    "u2net": "a U-Net whose blocks are U-Nets, with all levels fused at the end; made for the encoder u2net",
    "vnet": "a U-Net whose stages add several large convolutions to what they fuse",
}
_WHEN_DECODERS = {  # to choose a decoder
    "unet": "Start here: it is hard to beat on few images, and fast once optimized.",
    "unetpp": "Use it for fine structures of several sizes, or to train once and prune to several speeds.",
    "linknet": "Use it for real time on modest hardware; large objects lose little accuracy.",
    "fpn": "Use it for objects of very different sizes and few classes; borders are coarse (4 pixels).",
    "pspnet": "Use it for scenes whose regions depend on the whole image, when fine borders do not matter.",
    "deeplabv3": "Use it for large regions with wide context, with an encoder with output_stride 8 or 16 (slower).",
    "deeplabv3plus": "Like deeplabv3, but with finer borders; the usual choice for street scenes.",
    "pan": "Use it for wide context at little cost, with an encoder with output_stride 16.",
    "manet": "Use it when context matters most, as with organs and tumors, and memory is plentiful.",
    "upernet": "Use it with transformers and ConvNeXt for many classes; their papers use it, too.",
    "segformer": "Use it with hierarchical transformers; it adds little cost to any encoder.",
    "dpt": "Use it with plain ViTs, whose levels have one resolution, above all with large pretrained ViTs.",
    "fcn": "A baseline that is older than the U-Net; its skips carry only scores.",
    "resunet": "Like unet, but trains more reliably when deep: shortcuts carry the gradient.",
    "u2net": "Use it for salient objects and mattes, with the encoder u2net; with other encoders it is heavy.",
    "vnet": "Use it for volumes with large smooth organs, when time and memory are plentiful: its kernels are 5 wide.",
}

DECODERS = tuple(
    DecoderSpec(
        name=name,
        build=lazy(f"unetzoo.decoders.{name}:{decoder}"),
        summary=_DECODER_SUMMARIES[name],
        paper=paper,
        when=_WHEN_DECODERS[name],
        spatial_dims=(2, 3) if name in _OVER_VOLUMES else (2,),
    )
    for name, (decoder, paper) in _DECODERS.items()
)
