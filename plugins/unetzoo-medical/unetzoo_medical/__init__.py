"""Formats of volumes, results as DICOM-SEG, and scores of volumes."""

from collections.abc import Iterator

import unetzoo

UNETZOO_HOOKS = 4


@unetzoo.hookimpl
def unetzoo_formats() -> Iterator[unetzoo.FormatSpec]:
    """The formats of this plugin."""
    yield unetzoo.FormatSpec(
        name="nifti",
        endings=(".nii",),
        open=unetzoo.lazy("unetzoo_medical.nifti:open_nifti"),
        create=unetzoo.lazy("unetzoo_medical.nifti:write_nifti"),
        example=unetzoo.lazy("unetzoo_medical.examples:example_nifti"),
        summary="NIfTI: volumes, read by windows",
        signatures=(b"\x5c\x01\0\0", b"\0\0\x01\x5c", b"\x1c\x02\0\0", b"\0\0\x02\x1c"),
        stores=("arrays", "grid"),
    )
    yield unetzoo.FormatSpec(
        name="nifti-gz",
        endings=(".nii.gz",),
        open=unetzoo.lazy("unetzoo_medical.nifti:open_nifti"),
        create=unetzoo.lazy("unetzoo_medical.nifti:write_compressed_nifti"),
        example=unetzoo.lazy("unetzoo_medical.examples:example_compressed_nifti"),
        summary="compressed NIfTI: volumes, read as a whole",
        signatures=(b"\x1f\x8b",),
        stores=("arrays", "grid"),
    )
    yield unetzoo.FormatSpec(
        name="nrrd",
        endings=(".nrrd",),
        open=unetzoo.lazy("unetzoo_medical.nrrd:open_nrrd"),
        create=unetzoo.lazy("unetzoo_medical.nrrd:write_nrrd"),
        example=unetzoo.lazy("unetzoo_medical.examples:example_nrrd"),
        summary="NRRD: volumes, read by windows if they are not compressed",
        signatures=(b"NRRD000",),
        stores=("arrays", "grid"),
    )
    yield unetzoo.FormatSpec(
        name="metaimage",
        endings=(".mha", ".mhd"),
        open=unetzoo.lazy("unetzoo_medical.metaimage:open_metaimage"),
        create=unetzoo.lazy("unetzoo_medical.metaimage:write_metaimage"),
        example=unetzoo.lazy("unetzoo_medical.examples:example_metaimage"),
        summary="MetaImage of ITK: volumes, read by windows if they are not compressed",
        signatures=(b"ObjectType", b"NDims", b"Comment"),
        stores=("arrays", "grid"),
    )
    yield unetzoo.FormatSpec(
        name="dicom",
        endings=(".dcm", ".ima"),
        open=unetzoo.lazy("unetzoo_medical.dicom:open_dicom"),
        example=unetzoo.lazy("unetzoo_medical.examples:example_dicom"),
        summary="DICOM: slices, and folders of a series as volumes",
        folders=("*.dcm", "*.DCM", "*.ima", "*.IMA"),
    )


@unetzoo.hookimpl
def unetzoo_commands() -> Iterator[unetzoo.CommandSpec]:
    """The commands of this plugin."""
    yield unetzoo.CommandSpec(
        name="predict-series",
        build=unetzoo.lazy("unetzoo_medical.commands:predict_series"),
        summary="Predict series of DICOM, and write DICOM-SEG.",
    )
    yield unetzoo.CommandSpec(
        name="evaluate-volumes",
        build=unetzoo.lazy("unetzoo_medical.commands:evaluate_volumes"),
        summary="Score volumes case by case: Dice, and distances between surfaces in millimeters.",
    )
