"""A folder that `segmentation_models_pytorch.from_pretrained` loads, for networks that it has, too."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unetzoo.errors import ConfigError
from unetzoo.inference.exports.interface import Interface
from unetzoo.inference.exports.program import Job, check_same
from unetzoo.interop.smp_arguments import smp_arguments
from unetzoo.interop.smp_config import tensors_of_smp
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.normalization import text_of
from unetzoo.nn.segmenter import Segmenter

_EQUAL = 1e-4  # of the largest logit: both compute with torch, in another order where kernels are fused


def write_smp(job: Job, folder: Path) -> None:
    """Write the folder, and compare the logits of images that need no padding; errors as `export`."""
    import segmentation_models_pytorch as smp

    arguments = smp_arguments(job.model.config)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names of encoders that it deprecates
        network = _built(smp, dict(arguments))
        network.load_state_dict(_tensors(job.model, network))
        network.save_pretrained(folder)
        (folder / "README.md").write_text(_card(job.model.config), encoding="utf-8")
        loaded: nn.Module = smp.from_pretrained(folder).eval()

    def run(image: Tensor) -> Tensor:
        with torch.no_grad():
            output = loaded(image)
        logits: Tensor = output[0] if isinstance(output, tuple) else output  # the second is of the auxiliary head
        return logits

    reduction = max(job.model.encoder.features.reductions)
    size = getattr(job.model.encoder, "img_size", None) or (2 * reduction, 3 * reduction)
    check_same(replace(job, interface=Interface()), run, "segmentation_models_pytorch", size=size, tolerance=_EQUAL)


def _built(smp: Any, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - ships no types
    name = arguments.pop("_model_class")
    try:
        return getattr(smp, name)(encoder_weights=None, **arguments)
    except Exception as error:  # of any argument that it does not take together with others
        raise ConfigError(f"segmentation_models_pytorch's {name} refuses {arguments}: {error}") from error


def _tensors(model: Segmenter, network: nn.Module) -> dict[str, Tensor]:
    """The tensors of a network under the names of its counterpart, whose unused layers keep what they have."""
    state: dict[str, Tensor] = network.state_dict()
    names = tensors_of_smp({name: name for name in state}, model.config)
    ours = model.state_dict()
    missing = [name for name in ours if name not in names]
    if missing:
        shown = ", ".join(missing[:3])
        raise ConfigError(f"segmentation_models_pytorch's network has no layers for {shown}: it is another one")
    for name, tensor in ours.items():
        side = (state[names[name]].shape[-1] - tensor.shape[-1]) // 2 if name == "heads.0.weight" else 0
        state[names[name]] = nn.functional.pad(tensor, (side,) * 4) if side > 0 else tensor
    return state


def _card(config: ModelConfig) -> str:
    """The card of the folder; that of segmentation_models_pytorch would state its own license."""
    info = config.info
    facts = {
        "Classes": ", ".join(info.class_names),
        "Values of the training images": ", ".join(map(str, info.value_range)),
        "Mean, after these are scaled to 0 to 1": ", ".join(map(str, info.mean)),
        "Standard deviation, likewise": ", ".join(map(str, info.std)),
        "Normalization, instead of by these": "; ".join(map(text_of, info.normalization)),
        "Objects": config.objects and f"{config.objects}, whose maps are the logits",
        "License": info.license or "not stated",
    }
    lines = [f"- {name}: {value}" for name, value in facts.items() if value]
    head = [
        "---",
        "library_name: segmentation-models-pytorch",
        *([f"license: {info.license}"] if info.license else []),
        "---",
    ]
    code = [
        "```python",
        "import segmentation_models_pytorch as smp",
        "",
        'model = smp.from_pretrained("FOLDER")',
        "```",
    ]
    return "\n".join([*head, f"# {config.decoder} with {config.encoder}", "", *code, "", *lines, ""])
