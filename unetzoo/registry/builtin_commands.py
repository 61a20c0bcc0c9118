"""The table of the commands of unetzoo itself. It imports nothing, so that `unetzoo --help` is quick."""

from typing import NamedTuple


class BuiltinCommand(NamedTuple):
    """A command of unetzoo.

    Attributes:
        target: `"package.module:name"` of its function, or of its group.
        summary: the first sentence of its help text.
    """

    target: str
    summary: str


COMMANDS = {
    "list": BuiltinCommand(
        "unetzoo.cli.list:list_parts",
        "List the names of encoders, decoders, losses, codings of objects, data sets, formats of images or engines.",
    ),
    "describe": BuiltinCommand(
        "unetzoo.cli.describe:describe_part", "Describe a part: its options, paper, provider and weights."
    ),
    "info": BuiltinCommand("unetzoo.cli.info:info", "Show a network's levels and blocks, and what they cost."),
    "plugins": BuiltinCommand("unetzoo.cli.plugins:plugins", "List the installed plugins and what they provide."),
    "new-plugin": BuiltinCommand(
        "unetzoo.cli.new_plugin:new_plugin",
        "Write a new plugin, which can be installed and keeps the contracts without changes.",
    ),
    "demo": BuiltinCommand(
        "unetzoo.cli.demo:demo",
        "Find and count cell nuclei: train three networks on a real image, and judge them on a part that none saw.",
    ),
    "data": BuiltinCommand("unetzoo.cli.data:data", "Look at a data set, or convert one."),
    "recipes": BuiltinCommand(
        "unetzoo.cli.recipes:recipes",
        "List recipes: networks and options for a kind of images, with the scores that were measured.",
    ),
    "plan": BuiltinCommand(
        "unetzoo.cli.plan:plan", "Plan a training by the data and the memory, by the rules of nnU-Net, and say why."
    ),
    "train": BuiltinCommand("unetzoo.cli.train:train", "Train a network, and keep the best one in FOLDER/best."),
    "tune": BuiltinCommand(
        "unetzoo.cli.tune:tune",
        "Choose how the output of a network becomes its result, and store that with the network.",
    ),
    "evaluate": BuiltinCommand(
        "unetzoo.cli.evaluate:evaluate", "Compare the masks of a network with those of a data set."
    ),
    "predict": BuiltinCommand("unetzoo.cli.predict:predict", "Write the masks of images."),
    "suggest": BuiltinCommand(
        "unetzoo.cli.suggest:suggest", "List the images of which a network is least sure, to label them next."
    ),
    "deploy": BuiltinCommand(
        "unetzoo.cli.deploy:deploy",
        "Measure a network by each engine in each arithmetic of this machine; keep the fastest that is good enough.",
    ),
    "serve": BuiltinCommand("unetzoo.cli.serve:serve", "Predict images over HTTP, and by a page for the browser."),
    "export": BuiltinCommand(
        "unetzoo.cli.export:export",
        "Write a network for another program; the file is kept if that program computes the same.",
    ),
    "import": BuiltinCommand(
        "unetzoo.cli.import_weights:import_weights",
        "Make a network of weights of segmentation_models_pytorch, MONAI's DynUNet or nnU-Net.",
    ),
    "bench": BuiltinCommand("unetzoo.cli.bench:bench", "Measure speed and accuracy."),
    "push": BuiltinCommand("unetzoo.cli.hub:push_folder", "Upload a saved network to the Hugging Face Hub."),
    "pull": BuiltinCommand(
        "unetzoo.cli.hub:pull_model", "Download a network from the Hugging Face Hub, check it and describe it."
    ),
    "search": BuiltinCommand("unetzoo.cli.hub:search_hub", "List networks on the Hugging Face Hub that unetzoo saved."),
    "doctor": BuiltinCommand(
        "unetzoo.cli.doctor:doctor", "Show versions, hardware, extras, plugins and caches, and test that networks run."
    ),
}
"""The commands, functions and groups, in the order of `--help`; plugins cannot take their names."""
