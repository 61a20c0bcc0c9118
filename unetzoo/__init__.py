"""Unetzoo: segmentation networks assembled by name from encoders, decoders and losses that plugins provide.

`import unetzoo` is cheap: each public name imports its module (and torch, where it needs it) at first use. Type
checkers read `__init__.pyi`.
"""

from unetzoo._utils.late import late

_HOMES = {
    "_utils.memory": ("keep_freed_memory",),
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
    "data.dataset": ("Dataset", "Sample"),
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
    "inference.engines.export": ("export",),
    "inference.engines.optimize": ("optimize",),
    "inference.predict": ("predict", "predict_rows"),
    "inference.engines.prune": ("prune",),
    "nn.config": ("ModelConfig",),
    "nn.info": ("ModelInfo",),
    "nn.optimized": ("OptimizedSegmenter",),
    "nn.segmenter": ("Decoder", "Encoder", "Segmenter", "freeze", "unfreeze"),
    "registry.hookspecs": ("hookimpl",),
    "registry.host": ("PluginInfo", "list_plugins"),
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
__getattr__, __dir__, __all__ = late(__name__, _HOMES, modules=("interop",))
