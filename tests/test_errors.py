import pytest

from unetzoo import list_decoders, list_encoders, list_losses
from unetzoo.errors import did_you_mean


@pytest.mark.parametrize(
    ("name", "proposed", "names"),
    [
        ("unetplusplus", "'unetpp'", list_decoders),
        ("UnetPlusPlus", "'unetpp'", list_decoders),
        ("BasicUNetPlusPlus", "'unetpp'", list_decoders),
        ("U-Net", "'unet'", list_decoders),
        ("DeepLabV3+", "'deeplabv3plus'", list_decoders),
        ("FCNHead", "'fcn'", list_decoders),
        ("PSPHead", "'pspnet'", list_decoders),
        ("UPerHead", "'upernet'", list_decoders),
        ("MAnetDecoder", "'manet'", list_decoders),
        ("tu-resnet34", "'resnet34'", list_encoders),
        ("timm/convnext_tiny", "'convnext_tiny'", list_encoders),
        ("efficientnet-b0", "'efficientnet_b0'", list_encoders),
        ("timm-efficientnet-b0", "'efficientnet_b0'", list_encoders),
        ("se_resnet50", "'seresnet50'", list_encoders),
        ("DiceLoss", "'dice'", list_losses),
        ("TverskyLoss", "'tversky'", list_losses),
    ],
)
def test_names_of_other_libraries_lead_to_ours(name, proposed, names):
    assert did_you_mean(name, names()) == f"did you mean {proposed}?"


@pytest.mark.parametrize("name", ["head", "loss", "basic", "tu-", "", "zzz"])
def test_a_name_that_is_like_none_leads_nowhere(name):
    assert did_you_mean(name, ["unet", "dice"]) == ""
