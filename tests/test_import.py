"""Importing the package costs nothing; the twin of each test proves that it can fail."""

import subprocess
import sys

import pytest

_HEAVY = "[name for name in ('torch', 'timm', 'numpy', 'pluggy', 'huggingface_hub') if name in sys.modules]"


def _run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_importing_unetzoo_imports_nothing_heavy():
    assert _run(f"import sys, unetzoo; print({_HEAVY})") == "[]"


def test_the_twin_sees_what_a_use_of_unetzoo_imports():
    assert _run(f"import sys, unetzoo; unetzoo.Segmenter; print('torch' in {_HEAVY})") == "True"


def test_listing_parts_imports_neither_torch_nor_timm():
    code = "unetzoo.list_encoders(), unetzoo.list_decoders(), unetzoo.list_losses(), unetzoo.list_plugins()"
    assert _run(f"import sys, unetzoo; {code}; print({_HEAVY})") == "['pluggy']"


@pytest.mark.parametrize("module", ["unetzoo.cli"])
def test_the_command_line_imports_neither_torch_nor_timm(module):
    assert "torch" not in _run(f"import sys, {module}; print({_HEAVY})")
