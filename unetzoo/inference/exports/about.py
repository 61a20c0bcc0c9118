"""What files for other programs say of a network: how it is created, and a page about it."""

from typing import Any

from unetzoo.nn.config import ModelConfig


def creation(config: ModelConfig) -> dict[str, Any]:
    """The arguments of `unetzoo.create` that build a network of this configuration."""
    names = ("decoder", "encoder", "classes", "in_channels", "head_kernel_size", "aux_classes", "aux_pooling")
    options = {"encoder_options": dict(config.encoder_options), "decoder_options": dict(config.decoder_options)}
    return {**{name: getattr(config, name) for name in names}, **options, "labels": config.labels}


def documentation(config: ModelConfig) -> str:
    """Markdown: the network, its license as stated, what its output is, and its scores."""
    lines = [f"# {config.decoder} with {config.encoder}", "", "Made by unetzoo.", ""]
    if config.info.license:
        lines += [f"License as stated: {config.info.license}", ""]
    if config.objects:
        lines += [f"The output has the maps of the coding of objects {config.objects!r} of unetzoo, activated.", ""]
    metrics = [f"- {name}: {value:.4g}" for name, value in config.info.metrics.items()]
    return "\n".join([*lines, "## Validation", "", *(metrics or ["No metrics are stated."]), ""])
