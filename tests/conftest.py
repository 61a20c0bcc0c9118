import gc
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import torch
from throwaway import Site


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


_CACHE = tempfile.TemporaryDirectory(prefix="unetzoo-tests-", ignore_cleanup_errors=True)  # goes with the process
# the Hub's client reads these when it is imported, which is before any fixture runs
_HUB_PORT = _free_port()
os.environ |= {
    "HF_ENDPOINT": f"http://127.0.0.1:{_HUB_PORT}",
    "HF_HOME": _CACHE.name,
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
os.environ.pop("HF_TOKEN", None)
os.environ.setdefault("RAY_raylet_start_wait_time_s", "300")  # of a cluster that starts on a busy machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that are marked as long: one that begins last would keep the other processes waiting.

    Tests that need a GPU are skipped where there is none.
    """
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    on_gpu = [item for item in items if item.get_closest_marker("gpu")]
    if on_gpu and not torch.cuda.is_available():
        for item in on_gpu:
            item.add_marker(pytest.mark.skip(reason="there is no CUDA device"))


def pytest_collection_finish() -> None:
    """Leave the modules and tests that are there by now out of each search for garbage."""
    gc.freeze()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An empty folder for throw-away distributions."""
    folder = tmp_path / "site"
    folder.mkdir()
    return Site(folder)


@pytest.fixture(scope="session")
def hub_address():
    """A Hub in a process of its own."""
    program = Path(__file__).with_name("hub_server.py")
    process = subprocess.Popen([sys.executable, program, str(_HUB_PORT)])
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", _HUB_PORT)) == 0:
                break
        time.sleep(0.1)
    yield os.environ["HF_ENDPOINT"]
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def browser():
    """The Chromium that is installed; without one the test is skipped."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("there is no Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()
