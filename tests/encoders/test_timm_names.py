import subprocess
import sys

import timm

import unetzoo

_WITHOUT_TIMM = """
import sys, unetzoo
names = unetzoo.list_encoders("timm:*")
assert "timm" not in sys.modules and "torch" not in sys.modules
print("\\n".join(names))
"""


def test_the_names_are_timms_own_without_importing_it():
    done = subprocess.run([sys.executable, "-c", _WITHOUT_TIMM], capture_output=True, text=True, check=True, timeout=60)
    assert set(done.stdout.split()) == {f"timm:{name}" for name in timm.list_models()}


def test_a_model_that_the_user_registered_with_timm_is_an_encoder():
    from timm.models import register_model
    from timm.models.resnet import resnet18

    def homemade_resnet(pretrained=False, **options):
        return resnet18(pretrained=pretrained, **options)

    sys.modules[__name__].__all__ = []
    register_model(homemade_resnet)
    assert "homemade_resnet" in unetzoo.list_encoders("homemade*")
    assert unetzoo.create("unet", encoder="homemade_resnet").encoder.features.channels == (64, 64, 128, 256, 512)


def test_a_description_has_timms_licence_paper_and_tags():
    description = unetzoo.describe("encoder", "resnet18")
    assert description.license == timm.get_pretrained_cfg("resnet18").license
    assert description.paper == timm.get_pretrained_cfg("resnet18").paper_ids
    assert {f"resnet18.{tag}" for tag in description.pretrained} == set(timm.list_pretrained("resnet18.*"))
    assert description.pretrained[0] == timm.get_pretrained_cfg("resnet18").tag
