"""The names of tensors in segmentation_models_pytorch's decoders, and in unetzoo's.

Each decoder has a key that identifies it, and pairs of a pattern and its replacement, of which the first match counts.
The tensors, and the order of their channels, are the same in both.
"""

import re
from collections.abc import Collection
from typing import TypeAlias

Pairs: TypeAlias = tuple[tuple[str, str], ...]
UNUSED = "-"
"""The replacement for tensors that unetzoo does not have."""

_ASPP: Pairs = (
    (r"aspp\.(?:0\.)?convs\.4\.1\.", r"aspp.branches.4.project.0."),
    (r"aspp\.(?:0\.)?convs\.4\.2\.", r"aspp.branches.4.project.1."),
    (r"aspp\.(?:0\.)?convs\.", r"aspp.branches."),
    (r"aspp\.(?:0\.)?project\.", r"aspp.project."),
)
_UNET_BLOCK: Pairs = (
    (r"conv1\.0\.", r"fuse."),
    (r"conv1\.1\.", r"norm."),
    (r"conv2\.", r"conv."),
)


def _conv_bn(theirs: str, ours: str, first: int = 0) -> Pairs:
    """The pairs of a convolution and a norm, which have names there and indices here."""
    return (rf"{theirs}\.conv\.", f"{ours}.{first}."), (rf"{theirs}\.bn\.", f"{ours}.{first + 1}.")


DECODERS: dict[str, tuple[str, Pairs]] = {
    "fpn": (
        "p5.weight",
        (
            (r"p5\.", r"laterals.0."),
            (r"p4\.skip_conv\.", r"laterals.1."),
            (r"p3\.skip_conv\.", r"laterals.2."),
            (r"p2\.skip_conv\.", r"laterals.3."),
            (r"seg_blocks\.(\d+)\.block\.(\d+)\.block\.", r"branches.\1.convs.\2."),
        ),
    ),
    "linknet": ("blocks.0.block.0.0.weight", ((r"blocks\.(\d+)\.block\.", r"stages.\1."),)),
    "pspnet": (
        "psp.blocks.0.pool.1.0.weight",
        ((r"psp\.blocks\.(\d+)\.pool\.1\.", r"pooling.contexts.\1.project."), (r"conv\.", r"conv.")),
    ),
    "deeplabv3": ("aspp.convs.0.0.weight", (*_ASPP, (r"conv\.", r"conv.0."), (r"bn\.", r"conv.1."))),
    "deeplabv3plus": (
        "block2.0.0.weight",
        (
            *_ASPP,
            (r"aspp\.1\.", r"refine.0."),
            (r"aspp\.2\.", r"refine.1."),
            (r"block1\.", r"project."),
            (r"block2\.", r"fuse."),
        ),
    ),
    "pan": (
        "fpa.mid.0.conv.weight",
        (
            *_conv_bn(r"fpa\.branch1\.1", "context.image.project"),
            *_conv_bn(r"fpa\.mid\.0", "context.project"),
            *_conv_bn(r"fpa\.down1\.1", "context.at_half"),
            *_conv_bn(r"fpa\.down2\.1", "context.at_quarter"),
            *_conv_bn(r"fpa\.down3\.1", "context.at_eighth.0"),
            *_conv_bn(r"fpa\.down3\.2", "context.at_eighth.1"),
            *_conv_bn(r"fpa\.conv2", "context.again_at_quarter"),
            *_conv_bn(r"fpa\.conv1", "context.again_at_half"),
            *(pair for level in range(3) for pair in _conv_bn(rf"gau{level + 1}\.conv1\.1", f"gates.{level}.gate", 1)),
            *(pair for level in range(3) for pair in _conv_bn(rf"gau{level + 1}\.conv2", f"gates.{level}.conv")),
        ),
    ),
    "manet": (
        "center.top_conv.weight",
        (
            (r"center\.top_conv\.", r"attention.key."),
            (r"center\.center_conv\.", r"attention.query."),
            (r"center\.bottom_conv\.", r"attention.value."),
            (r"center\.out_conv\.", r"attention.project."),
            (r"blocks\.(\d+)\.hl_conv\.", r"stages.\1.high."),
            (r"blocks\.(\d+)\.SE_ll\.", r"stages.\1.gate_low."),
            (r"blocks\.(\d+)\.SE_hl\.", r"stages.\1.gate_high."),
            *((rf"blocks\.(\d+)\.{theirs}", rf"stages.\1.fuse.{ours}") for theirs, ours in _UNET_BLOCK),
        ),
    ),
    "upernet": (
        "fusion_block.0.weight",
        (
            (r"feature_norms\.", r"norms."),
            (r"psp\.blocks\.(\d+)\.1\.", r"pooling.contexts.\1.project."),
            (r"psp\.out_conv\.", r"context."),
            (r"fpn_lateral_blocks\.(\d+)\.conv_norm_relu\.", r"laterals.\1."),
            (r"fpn_conv_blocks\.", r"smooth."),
            (r"fusion_block\.", r"fuse."),
        ),
    ),
    "segformer": (
        "mlp_stage.0.linear.weight",
        ((r"mlp_stage\.(\d+)\.linear\.", r"projections.\1."), (r"fuse_stage\.", r"fuse.")),
    ),
    "dpt": (
        "reassemble_blocks.0.project_to_out_channel.weight",
        (
            (r"reassemble_blocks\.(\d+)\.project_to_out_channel\.", r"reassemble.\1.0."),
            (r"reassemble_blocks\.(\d+)\.upsample\.", r"reassemble.\1.1."),
            (r"reassemble_blocks\.(\d+)\.project_to_feature_dim\.", r"reassemble.\1.2."),
            *(
                (rf"fusion_blocks\.(\d+)\.residual_conv_block{block}\.{layer}\.", rf"fusions.\1.{part}.{place}.")
                for block, part in ((1, "level"), (2, "fused"))
                for layer, place in (("conv_1", 1), ("batch_norm_1", 2), ("conv_2", 4), ("batch_norm_2", 5))
            ),
            (r"fusion_blocks\.(\d+)\.project\.", r"fusions.\1.project."),
        ),
    ),
}


def decoder_of(keys: Collection[str]) -> str | None:
    """The decoder that has these tensors; None: a U-Net or a U-Net++."""
    return next((decoder for decoder, (key, _) in DECODERS.items() if f"decoder.{key}" in keys), None)


def replaced(name: str, pairs: Pairs) -> str:
    """The name with the first matching pattern replaced; empty for unused tensors."""
    for theirs, ours in pairs:
        renamed, count = re.subn(rf"^{theirs}", ours, name)
        if count:
            return "" if ours == UNUSED else renamed
    return name
