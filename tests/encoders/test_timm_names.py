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

    assert unetzoo.list_encoders("homemade*") == []

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


def test_a_torchvision_of_another_version_is_told_as_such_and_not_as_a_plugins_fault(tmp_path):
    (tmp_path / "torchvision").mkdir()
    broken = "raise RuntimeError('operator torchvision::nms does not exist')"
    (tmp_path / "torchvision" / "__init__.py").write_text(broken)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from unetzoo.cli import main; main()"
    command = [sys.executable, "-c", program, "info", "unet", "--encoder", "resnet18"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: timm cannot be imported: RuntimeError: operator torchvision::nms does not exist"
    )
    assert "pip install --upgrade torch torchvision timm" in done.stderr
    assert "plugin" not in done.stderr
