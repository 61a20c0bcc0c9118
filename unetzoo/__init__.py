"""Unetzoo: segmentation networks assembled by name from encoders, decoders and losses that plugins provide.

`import unetzoo` is cheap: each public name imports its module (and torch, where it needs it) at first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unetzoo.assembly import (
        Description,
        create,
        create_dataset,
        create_encoder,
        create_loss,
        describe,
        list_datasets,
        list_decoders,
        list_encoders,
        list_losses,
    )
    from unetzoo.config import ModelConfig
    from unetzoo.errors import (
        BusyError,
        ConfigError,
        ConflictError,
        ContractError,
        DataError,
        DataWarning,
        HubError,
        MissingExtraError,
        OptionError,
        OutOfMemoryError,
        PluginError,
        PluginWarning,
        PretrainedError,
        ShapeError,
        TargetError,
        TrainingError,
        UnetzooError,
        UnknownNameError,
        WeightsError,
        WeightsWarning,
        WriteError,
    )
    from unetzoo.evaluation.evaluate import Evaluation, evaluate
    from unetzoo.evaluation.metrics import create_metric, list_metrics
    from unetzoo.hookspecs import hookimpl
    from unetzoo.inference.export import export
    from unetzoo.inference.optimize import OptimizedSegmenter, optimize
    from unetzoo.inference.predict import predict, predict_rows
    from unetzoo.inference.prune import prune
    from unetzoo.info import ModelInfo
    from unetzoo.memory import keep_freed_memory
    from unetzoo.model import Decoder, Encoder, Segmenter, freeze, unfreeze
    from unetzoo.plugins import PluginInfo, list_plugins
    from unetzoo.samples import Dataset, Sample
    from unetzoo.specs import (
        CommandSpec,
        DatasetSpec,
        DecoderSpec,
        EncoderFamily,
        EncoderSpec,
        FeatureInfo,
        LossSpec,
        lazy,
    )
    from unetzoo.training.fit import Fit, fit
    from unetzoo.training.options import FitOptions
    from unetzoo.weights.folder import load, save
    from unetzoo.weights.hub import pull, push, search

__all__ = [
    "BusyError",
    "CommandSpec",
    "ConfigError",
    "ConflictError",
    "ContractError",
    "DataError",
    "DataWarning",
    "Dataset",
    "DatasetSpec",
    "Decoder",
    "DecoderSpec",
    "Description",
    "Encoder",
    "EncoderFamily",
    "EncoderSpec",
    "Evaluation",
    "FeatureInfo",
    "Fit",
    "FitOptions",
    "HubError",
    "LossSpec",
    "MissingExtraError",
    "ModelConfig",
    "ModelInfo",
    "OptimizedSegmenter",
    "OptionError",
    "OutOfMemoryError",
    "PluginError",
    "PluginInfo",
    "PluginWarning",
    "PretrainedError",
    "Sample",
    "Segmenter",
    "ShapeError",
    "TargetError",
    "TrainingError",
    "UnetzooError",
    "UnknownNameError",
    "WeightsError",
    "WeightsWarning",
    "WriteError",
    "create",
    "create_dataset",
    "create_encoder",
    "create_loss",
    "create_metric",
    "describe",
    "evaluate",
    "export",
    "fit",
    "freeze",
    "hookimpl",
    "keep_freed_memory",
    "lazy",
    "list_datasets",
    "list_decoders",
    "list_encoders",
    "list_losses",
    "list_metrics",
    "list_plugins",
    "load",
    "optimize",
    "predict",
    "predict_rows",
    "prune",
    "pull",
    "push",
    "save",
    "search",
    "unfreeze",
]

_HOMES = {
    "assembly": (
        "Description",
        "create",
        "create_dataset",
        "create_encoder",
        "create_loss",
        "describe",
        "list_datasets",
        "list_decoders",
        "list_encoders",
        "list_losses",
    ),
    "config": ("ModelConfig",),
    "errors": (
        "BusyError",
        "ConfigError",
        "ConflictError",
        "ContractError",
        "DataError",
        "DataWarning",
        "HubError",
        "MissingExtraError",
        "OptionError",
        "OutOfMemoryError",
        "PluginError",
        "PluginWarning",
        "PretrainedError",
        "ShapeError",
        "TargetError",
        "TrainingError",
        "UnetzooError",
        "UnknownNameError",
        "WeightsError",
        "WeightsWarning",
        "WriteError",
    ),
    "evaluation.evaluate": ("Evaluation", "evaluate"),
    "evaluation.metrics": ("create_metric", "list_metrics"),
    "hookspecs": ("hookimpl",),
    "inference.export": ("export",),
    "inference.optimize": ("OptimizedSegmenter", "optimize"),
    "inference.predict": ("predict", "predict_rows"),
    "inference.prune": ("prune",),
    "info": ("ModelInfo",),
    "memory": ("keep_freed_memory",),
    "model": ("Decoder", "Encoder", "Segmenter", "freeze", "unfreeze"),
    "plugins": ("PluginInfo", "list_plugins"),
    "samples": ("Dataset", "Sample"),
    "specs": (
        "CommandSpec",
        "DatasetSpec",
        "DecoderSpec",
        "EncoderFamily",
        "EncoderSpec",
        "FeatureInfo",
        "LossSpec",
        "lazy",
    ),
    "training.fit": ("Fit", "fit"),
    "training.options": ("FitOptions",),
    "weights.folder": ("load", "save"),
    "weights.hub": ("pull", "push", "search"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attributes are anything
    """Import a public name at its first use (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("unetzoo")
    elif name in _HOME_OF:
        value = getattr(import_module(f"unetzoo.{_HOME_OF[name]}"), name)
    elif name == "interop":
        value = import_module("unetzoo.interop")
    else:
        raise AttributeError(f"module 'unetzoo' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]
