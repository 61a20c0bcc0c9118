"""The parts that unetzoo itself provides, declared through the same hooks as everybody else's."""

from collections.abc import Iterator
from pathlib import Path

from unetzoo.encoders.timm_names import timm_names, timm_spec
from unetzoo.registry.builtin_decoders import DECODERS
from unetzoo.registry.builtin_engines import ENGINES
from unetzoo.registry.markers import hookimpl
from unetzoo.specs import (
    DatasetSpec,
    DecoderSpec,
    EncoderFamily,
    EncoderSpec,
    EngineSpec,
    FormatSpec,
    LossSpec,
    ObjectCodingSpec,
    RecipeSpec,
    lazy,
)

_LOSSES = {  # module and class, and paper
    "bce": ("cross_entropy:BCELoss", ""),
    "ce": ("cross_entropy:CrossEntropyLoss", ""),
    "focal": ("focal:FocalLoss", "arXiv:1708.02002"),
    "dice": ("overlap:DiceLoss", "arXiv:1606.04797"),
    "jaccard": ("overlap:JaccardLoss", "doi:10.1007/978-3-319-50835-1_22"),
    "tversky": ("overlap:TverskyLoss", "arXiv:1706.05721"),
    "focal_tversky": ("overlap:FocalTverskyLoss", "arXiv:1810.07842"),
    "generalized_dice": ("generalized_dice:GeneralizedDiceLoss", "arXiv:1707.03237"),
    "mcc": ("mcc:MCCLoss", "arXiv:2010.13454"),
    "lovasz": ("lovasz:LovaszLoss", "arXiv:1705.08790"),
    "soft_bce": ("cross_entropy:SoftBCELoss", ""),
    "soft_ce": ("cross_entropy:SoftCrossEntropyLoss", ""),
    "ohem_ce": ("ohem:OHEMCrossEntropyLoss", "arXiv:1604.03540"),
    "poly": ("focal:PolyLoss", "arXiv:2204.12511"),
    "unified_focal": ("unified_focal:UnifiedFocalLoss", "arXiv:2102.04525"),
}
_LOSS_SUMMARIES = {
    "bce": "binary cross-entropy of each class; binary and multilabel",
    "ce": "cross-entropy of the softmax over classes; multiclass",
    "focal": "cross-entropy in which poorly classified pixels weigh more",
    "dice": "1 - soft Dice coefficient, over the whole batch or per image",
    "jaccard": "1 - soft Jaccard index (intersection over union)",
    "tversky": "1 - Tversky index: Dice with weights for false positives and false negatives",
    "focal_tversky": "a power of each class's Tversky loss, so that hard classes weigh more",
    "generalized_dice": "one Dice coefficient for all classes, in which rare classes weigh more",
    "mcc": "1 - soft Matthews correlation coefficient, which also counts true negatives",
    "lovasz": "Lovász extension of the Jaccard loss: softmax for multiclass, hinge for binary and multilabel",
    "soft_bce": "binary cross-entropy for soft masks with values from 0 to 1; binary and multilabel",
    "soft_ce": "cross-entropy for class ids or class probabilities; multiclass",
    "ohem_ce": "cross-entropy of the hardest pixels (online hard example mining)",
    "poly": "cross-entropy plus a multiple of 1 - p, the missing probability",
    "unified_focal": "asymmetric focal cross-entropy plus focal Tversky loss, for rare foreground",
}
_OBJECTS = {  # class, in the module of that name, and paper
    "components": ("Components", ""),
    "weighted": ("Weighted", "arXiv:1505.04597"),
    "boundary": ("Boundary", "doi:10.1038/s41592-019-0612-7"),
    "distance": ("Distance", "doi:10.1038/s41592-024-02580-4"),
    "flows": ("Flows", "doi:10.1038/s41592-020-01018-x"),
}
_OF_VOLUMES = ("components", "boundary", "distance")
_OBJECT_SUMMARIES = {
    "components": "a foreground, whose components are the objects",
    "weighted": "a foreground with gaps between objects, which weigh more in the loss the narrower they are",
    "boundary": "background, inside and edge; what is inside are seeds, which a watershed grows",
    "distance": "foreground, distances to edge and center; a watershed grows the middle of each object",
    "flows": "foreground and flows to the middle of each object, which its pixels follow",
}
_WHEN_OBJECTS = {  # to choose a coding
    "components": "Objects never touch.",
    "weighted": "To repeat the U-Net paper; objects lose the pixels with which they touch.",
    "boundary": "Objects are many and small, and decoding must be fast.",
    "distance": "Start here: objects are roundish and may touch.",
    "flows": "Objects touch and have any shape; decoding takes several times as long.",
}


@hookimpl
def unetzoo_encoders() -> Iterator[EncoderSpec | EncoderFamily]:
    """U-Net's original encoder, nnU-Net's residual one, MedNeXt's, U2-Net's and every backbone of timm."""
    yield EncoderSpec(
        name="plain",
        build=lazy("unetzoo.encoders.plain:PlainEncoder"),
        summary="the original U-Net's encoder: two convolutions per level, max pooling between levels",
        paper="arXiv:1505.04597",
        spatial_dims=(2, 3),
    )
    yield EncoderSpec(
        name="resenc",
        build=lazy("unetzoo.encoders.resenc:ResEncEncoder"),
        summary="nnU-Net's residual encoder: up to six residual blocks per level, strided convolutions between levels",
        paper="arXiv:2404.09556",
        spatial_dims=(2, 3),
    )
    yield EncoderSpec(
        name="mednext",
        build=lazy("unetzoo.encoders.mednext:MedNeXtEncoder"),
        summary="MedNeXt's encoder: blocks as in ConvNeXt, depthwise convolutions of 3 or 5, strided between levels",
        paper="arXiv:2303.09975",
        spatial_dims=(2, 3),
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
    return DECODERS


@hookimpl
def unetzoo_losses() -> Iterator[LossSpec]:
    """The built-in losses."""
    for name, (loss, paper) in _LOSSES.items():
        yield LossSpec(name=name, build=lazy(f"unetzoo.losses.{loss}"), summary=_LOSS_SUMMARIES[name], paper=paper)


@hookimpl
def unetzoo_objects() -> Iterator[ObjectCodingSpec]:
    """The built-in codings of objects."""
    for name, (coding, paper) in _OBJECTS.items():
        yield ObjectCodingSpec(
            name=name,
            build=lazy(f"unetzoo.objects.{name}:{coding}"),
            summary=_OBJECT_SUMMARIES[name],
            paper=paper,
            when=_WHEN_OBJECTS[name],
            spatial_dims=(2, 3) if name in _OF_VOLUMES else (2,),
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


@hookimpl
def unetzoo_engines() -> tuple[EngineSpec, ...]:
    """The built-in engines."""
    return ENGINES


_RECIPES = {  # domain and summary
    "brain": ("radiology", "tissues in whole volumes, such as those of MR"),
    "cells": ("microscopy", "cells that touch, each with a number of its own"),
    "cracks": ("inspection", "cracks and other thin defects that cover few of the pixels"),
    "documents": ("documents", "ink on paper with stains, uneven light and ruled lines"),
    "satellite": ("remote sensing", "land cover in several bands, some classes of which are rare"),
}


@hookimpl
def unetzoo_recipes() -> Iterator[RecipeSpec]:
    """The built-in recipes."""
    folder = Path(__file__).parents[1] / "recipes"
    for name, (domain, summary) in _RECIPES.items():
        yield RecipeSpec(name=name, path=folder / f"{name}.toml", summary=summary, domain=domain)


_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PICTURES = {  # endings, signatures and summary
    "png": ((".png",), (b"\x89PNG\r\n\x1a\n",), "pictures without loss, of 8 and 16 bits"),
    "jpeg": ((".jpg", ".jpeg"), (b"\xff\xd8\xff",), "photographs"),
    "bmp": ((".bmp",), (b"BM",), "pictures without compression"),
    "gif": ((".gif",), (b"GIF87a", b"GIF89a"), "pictures of at most 256 colors; the first of several"),
    "webp": ((".webp",), (b"RIFF",), "photographs and pictures"),
}


@hookimpl
def unetzoo_formats() -> Iterator[FormatSpec]:
    """The built-in formats."""
    for name, (endings, signatures, summary) in _PICTURES.items():
        yield FormatSpec(
            name=name,
            endings=endings,
            open=lazy("unetzoo.data.formats.pictures:open_picture"),
            create=lazy("unetzoo.data.formats.pictures:write_png") if name == "png" else None,
            summary=summary,
            signatures=signatures,
            example=lazy("unetzoo.data.formats.pictures:write_example", endings[0]),
            stores=("palette",) if name == "png" else (),
        )
    yield FormatSpec(
        name="tiff",
        endings=(".tif", ".tiff"),
        open=lazy("unetzoo.data.formats.tiff:open_tiff"),
        create=lazy("unetzoo.data.formats.tiff:write_tiff"),
        summary="images of any type and size, GeoTIFF, OME-TIFF and ImageJ's among them",
        signatures=_TIFF,
        example=lazy("unetzoo.data.formats.tiff_example:write_example"),
        stores=("palette", "arrays", "grid"),
    )
    yield FormatSpec(
        name="slide",
        endings=(".svs", ".ndpi", ".scn"),
        open=lazy("unetzoo.data.formats.tiff:open_tiff"),
        summary="whole slides that are TIFFs: of Aperio, Hamamatsu and Leica; reading most needs unetzoo[images,zarr]",
        signatures=_TIFF,
        example=lazy("unetzoo.data.formats.tiff_example:write_slide"),
    )
    yield FormatSpec(
        name="npy",
        endings=(".npy",),
        open=lazy("unetzoo.data.formats.npy:open_npy"),
        create=lazy("unetzoo.data.formats.npy:write_npy"),
        summary="arrays of NumPy, (h, w) or (h, w, c)",
        signatures=(b"\x93NUMPY",),
        stores=("arrays",),
    )
    yield FormatSpec(
        name="zarr",
        endings=(".zarr",),
        open=lazy("unetzoo.data.formats.zarr:open_zarr"),
        create=lazy("unetzoo.data.formats.zarr:write_zarr"),
        check=lazy("unetzoo.data.formats.zarr:check_zarr_target"),
        summary="arrays in chunks, and the finest level of OME-Zarr; needs unetzoo[zarr]",
        folders=("zarr.json", ".zarray", ".zgroup"),
        stores=("arrays",),
    )
