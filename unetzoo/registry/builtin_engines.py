"""The engines that unetzoo itself provides."""

from unetzoo.specs import EngineSpec, lazy

ENGINES = (
    EngineSpec(
        name="torch",
        convert=lazy("unetzoo.inference.engines.by_torch:convert"),
        start=lazy("unetzoo.inference.engines.by_torch:start"),
        check=lazy("unetzoo.inference.engines.by_torch:check"),
        dtypes=("float32", "bfloat16"),
        summary="torch, with norms folded into convolutions and weights prepared once",
        when="Start here: it needs no other package, and any device runs it.",
    ),
    EngineSpec(
        name="onnxruntime",
        convert=lazy("unetzoo.inference.engines.by_onnxruntime:convert"),
        start=lazy("unetzoo.inference.engines.by_onnxruntime:start"),
        check=lazy("unetzoo.inference.engines.by_onnxruntime:check"),
        dtypes=("float32", "int8"),
        summary="ONNX Runtime on the CPU; needs unetzoo[onnx]",
        when="The network must run where ONNX is what is understood.",
    ),
    EngineSpec(
        name="openvino",
        convert=lazy("unetzoo.inference.engines.by_openvino:convert"),
        start=lazy("unetzoo.inference.engines.by_openvino:start"),
        check=lazy("unetzoo.inference.engines.by_openvino:check"),
        dtypes=("float32", "bfloat16", "int8"),
        summary="OpenVINO on the CPU; needs unetzoo[openvino]",
        when="A CPU must be fast, above all in int8 where it has the instructions VNNI or AMX.",
    ),
)
