"""Results as a grid gives them, without the training."""

_VERSIONS = {"torch": "2"}
_MACHINE = {
    "processor": "a CPU", "instructions": "AVX2", "gpu": None, "threads": 2, "python": "3", "versions": _VERSIONS,
}  # fmt: skip


def result(
    decoder="unet",
    encoder="resnet18",
    *,
    seed=0,
    iou=0.8,
    latency=0.01,
    data="nuclei",
    pruned=(),
    error="",
    objects="",
    precision=None,
    engine="",
):
    combination = {
        "decoder": decoder, "encoder": encoder, "loss": "ce", "data": data, "seed": seed, "steps": 5, "seconds": None,
        "batch": 2, "crop": 32, "size": 64,
    }  # fmt: skip
    if objects:
        combination |= {"loss": "", "objects": objects}
    if engine:
        combination["engine"] = engine
    if error:
        return {"combination": combination, "error": error}
    return {
        "combination": combination,
        "machine": _MACHINE,
        "date": "2026-01-01",
        "accuracy": {"mean": {"IoU": iou}, "classes": {}} | ({"objects": {"AP": precision}} if objects else {}),
        "speed": {
            "size": 64,
            "latency": latency,
            "throughput": 1 / latency,
            "peak bytes": 2**20,
            "parameters": 10**6,
            "multiply-adds": 10**9,
        },
        "pruned": list(pruned),
        "picture": "iVBORw0KGgo=",
    }
