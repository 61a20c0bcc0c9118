"""The programs that `export` writes files for: one entry and one file a target."""

from dataclasses import dataclass

from unetzoo.specs import Lazy, lazy


@dataclass(frozen=True, kw_only=True)
class Target:
    """A program, or a kind of programs, that reads files of networks.

    Attributes:
        write: writes a job to a path, and compares what the program makes of it; of a folder it fills the path.
        suffix: of the path; empty: a folder.
        beside: suffix of a second file that belongs to it.
        extra: of unetzoo that is needed; empty: none.
        modules: top-level modules that are needed.
        takes_pixels: the file may have the normalization in it.
        takes_size: the size of the images may be fixed.
        of_int8: top-level modules that int8 needs beside `modules`; None: the file is in float32.
        summary: what reads it.
    """

    write: Lazy
    suffix: str = ""
    beside: str = ""
    extra: str = ""
    modules: tuple[str, ...] = ()
    takes_pixels: bool = True
    takes_size: bool = True
    of_int8: tuple[str, ...] | None = None
    summary: str


TARGETS = {
    "onnx": Target(
        write=lazy("unetzoo.inference.exports.onnx_file:write_onnx"),
        suffix=".onnx",
        extra="onnx",
        modules=("onnx", "onnxruntime", "onnxscript"),
        of_int8=(),
        summary="ONNX Runtime and all that reads ONNX",
    ),
    "openvino": Target(
        write=lazy("unetzoo.inference.exports.openvino_file:write_openvino"),
        suffix=".xml",
        beside=".bin",
        extra="openvino",
        modules=("openvino",),
        of_int8=("nncf",),
        summary="OpenVINO, in Python, C++ and C",
    ),
    "torch-export": Target(
        write=lazy("unetzoo.inference.exports.torch_file:write_program"),
        suffix=".pt2",
        summary="torch.export.load, without unetzoo",
    ),
    "smp": Target(
        write=lazy("unetzoo.inference.exports.smp_folder:write_smp"),
        extra="smp",
        modules=("segmentation_models_pytorch",),
        takes_pixels=False,
        takes_size=False,
        summary="segmentation_models_pytorch",
    ),
    "monai": Target(
        write=lazy("unetzoo.inference.exports.monai_bundle:write_monai"),
        extra="monai",
        modules=("monai",),
        takes_pixels=False,
        takes_size=False,
        summary="a bundle of MONAI, which its programs run",
    ),
    "bioimageio": Target(
        write=lazy("unetzoo.inference.exports.bioimageio_package:write_bioimageio"),
        suffix=".zip",
        extra="bioimageio",
        modules=("bioimageio", "onnx", "onnxruntime", "onnxscript"),
        takes_pixels=False,
        summary="bioimage.io: ilastik, QuPath, deepImageJ, BiaPy, bioimageio.core",
    ),
}
"""By name."""
