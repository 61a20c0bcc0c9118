"""Weights of others: `smp` reads those of segmentation_models_pytorch, `monai` DynUNets, `nnunet` those of nnU-Net."""

from typing import TYPE_CHECKING

from unetzoo._utils.late import late

if TYPE_CHECKING:
    from unetzoo.interop import monai as monai
    from unetzoo.interop import nnunet as nnunet
    from unetzoo.interop import smp as smp

__getattr__, __dir__, __all__ = late(__name__, {}, modules=("monai", "nnunet", "smp"))
