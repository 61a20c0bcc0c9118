"""Encoders: each turns an image into a pyramid of features.

Plugins may use the public names, which make a pyramid of maps of one resolution. They are imported at their first use,
since names of encoders are looked up without torch.
"""

from typing import TYPE_CHECKING

from unetzoo._utils.late import late

if TYPE_CHECKING:
    from unetzoo.encoders.pyramid import PyramidAdapter as PyramidAdapter
    from unetzoo.encoders.pyramid import plan_levels as plan_levels

__getattr__, __dir__, __all__ = late(__name__, {"pyramid": ("PyramidAdapter", "plan_levels")})
