import pytest
import skimage
import timm
import torch
from torch.nn import functional as F
from unetzoo_lite.weights import timm_state

import unetzoo
from unetzoo.testing import check_encoder

NAMES = ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
ESPRESSO = 967  # of ImageNet's 1,000 classes


@pytest.mark.parametrize("name", NAMES)
def test_the_encoder_keeps_the_contract(name):
    check_encoder(f"lite:{name}")


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_know_a_cup_of_espresso(name):
    classifier = timm.create_model(f"tf_{name}").eval()
    classifier.load_state_dict(timm_state(name))
    picture = torch.from_numpy(skimage.data.coffee()).movedim(2, 0)[None] / 255
    height, width = picture.shape[2:]
    square = picture[..., (width - height) // 2 : (width + height) // 2]
    image = F.interpolate(square, size=(256, 256), mode="bicubic", antialias=True).clamp(0, 1)
    with torch.no_grad():
        assert classifier((image - 0.5) / 0.5).argmax().item() == ESPRESSO


@pytest.mark.parametrize("name", NAMES)
def test_the_pretrained_features_are_those_of_the_whole_classifier(name):
    encoder = unetzoo.create_encoder(f"lite:{name}", pretrained=True).eval()
    classifier = timm.create_model(f"tf_{name}").eval()
    classifier.load_state_dict(timm_state(name))
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        deepest = classifier.blocks(classifier.bn1(classifier.conv_stem(image)))
        torch.testing.assert_close(encoder(image)[-1], deepest)


def test_other_channels_start_from_the_pretrained_filters():
    three = unetzoo.create_encoder("lite:efficientnet_lite0", pretrained=True).encoder.backbone.conv_stem.weight
    encoder = unetzoo.create_encoder("lite:efficientnet_lite0", in_channels=1, pretrained=True)
    torch.testing.assert_close(encoder.encoder.backbone.conv_stem.weight, three.sum(1, keepdim=True))


def test_weights_that_there_are_not_are_refused():
    with pytest.raises(unetzoo.PretrainedError, match="has the weights 'imagenet', not 'noisy'"):
        unetzoo.create("unet", encoder="lite:efficientnet_lite0", pretrained="noisy")


def test_the_bare_name_is_timms_too_and_the_error_says_how_to_choose():
    with pytest.raises(unetzoo.ConflictError, match="ask for 'timm:efficientnet_lite0' or 'lite:efficientnet_lite0'"):
        unetzoo.create("unet", encoder="efficientnet_lite0")
