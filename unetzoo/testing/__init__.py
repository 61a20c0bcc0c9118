"""The contracts of parts as a battery of rules, for unetzoo's parts and for those of plugins.

In a test, call `unetzoo.testing.check_decoder(MyDecoder)`; without code, run `pytest --unetzoo-plugin unetzoo-cells` or
`unetzoo plugins check unetzoo-cells`. `check_deprecated` is for what a plugin renames.
"""

from typing import TYPE_CHECKING

from unetzoo._utils.late import late

if TYPE_CHECKING:
    from unetzoo.testing.battery import check_dataset as check_dataset
    from unetzoo.testing.battery import check_decoder as check_decoder
    from unetzoo.testing.battery import check_encoder as check_encoder
    from unetzoo.testing.battery import check_engine as check_engine
    from unetzoo.testing.battery import check_format as check_format
    from unetzoo.testing.battery import check_loss as check_loss
    from unetzoo.testing.battery import check_objects as check_objects
    from unetzoo.testing.battery import check_plugin as check_plugin
    from unetzoo.testing.battery import check_recipe as check_recipe
    from unetzoo.testing.deprecation import check_deprecated as check_deprecated

_NAMES = (
    "check_dataset",
    "check_decoder",
    "check_encoder",
    "check_engine",
    "check_format",
    "check_loss",
    "check_objects",
    "check_plugin",
    "check_recipe",
)
__getattr__, __dir__, __all__ = late(__name__, {"battery": _NAMES, "deprecation": ("check_deprecated",)})
