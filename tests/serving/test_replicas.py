"""Replicas on a Ray cluster of this machine, one of which is killed; and how replicas divide a cluster."""

import io
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import psutil
import pytest
from PIL import Image
from predicting import varied_model
from served import Server
from typer.testing import CliRunner

import unetzoo
from unetzoo import OptionError
from unetzoo.cli import app
from unetzoo.serving.share import Share, share_of

pytestmark = pytest.mark.long

_MOST_BYTES = 10**6
_ANSWERS, _QUEUE = ("unetzoo_answers_total", ',status="200"'), ("unetzoo_queue", "")  # lines of /metrics
_SECONDS = 240  # until a cluster on a busy machine is taken for dead


def _png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", compress_level=1)
    return file.getvalue()


@pytest.fixture(scope="module")
def model():
    return varied_model()


@pytest.fixture
def server(model, tmp_path, monkeypatch):
    pytest.importorskip("ray")
    pytest.importorskip("fastapi")
    unetzoo.save(model, tmp_path / "net")
    monkeypatch.setenv("RAY_TMPDIR", "/tmp")  # the names of sockets must be short
    options = ("--ray", "local", "--replicas", "2", "--max-bytes", str(_MOST_BYTES))
    server = Server(tmp_path / "net", tmp_path / "temporary", *options)
    yield server
    server.process.kill()
    server.process.communicate()


def _replicas(started):
    """The processes of replicas, among those of a cluster."""
    return [process for process in started if _title(process).startswith("ray::ServeReplica")]


def _title(process):
    with suppress(psutil.NoSuchProcess, IndexError):
        return process.cmdline()[0]
    return ""


def _started(server):
    return psutil.Process(server.process.pid).children(recursive=True)


def _ask(server, images):
    """The status of each of these images, and the mask or the error, by four clients."""

    def ask(image):
        status, content, _ = server.post(_png(image))
        return status, np.asarray(Image.open(io.BytesIO(content))) if status == 200 else content

    with ThreadPoolExecutor(4) as clients:
        return list(clients.map(ask, images))


def _of_replicas(server, sample):
    """The numbers of a line of /metrics, by the replica."""
    text = server.request("GET", "/metrics")[1].decode()
    found = re.findall(rf'^{sample[0]}{{replica="(\w+)"{sample[1]}}} (\S+)$', text, re.MULTILINE)
    return {name: float(number) for name, number in found}


def _await(holds):
    end = time.monotonic() + _SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_replicas_answer_as_predict_does_one_that_is_killed_comes_back_and_no_process_stays(server, model):
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (60, 50), np.uint8) for _ in range(20)]
    expected = [unetzoo.predict(model, image).argmax(0) for image in images]
    answers = _ask(server, images)
    assert [status for status, _ in answers] == [200] * 20
    for (_, mask), truth in zip(answers, expected, strict=True):
        np.testing.assert_array_equal(mask, truth)
    counts = _of_replicas(server, _ANSWERS)
    assert (len(counts), sum(counts.values())) == (2, 20)

    assert server.request("GET", "/health")[1] == b'{"status":"ok"}'
    assert b"<html" in server.request("GET", "/")[1]
    status, error = server.error(bytes(_MOST_BYTES + 1))
    assert (status, "--max-bytes" in error) == (413, True)
    assert server.error(_png(images[0]), Host="elsewhere.example")[0] == 403

    first, second = _replicas(_started(server))
    larger = random.integers(0, 256, (600, 600), np.uint8)
    truth = unetzoo.predict(model, larger).argmax(0)
    with ThreadPoolExecutor(1) as asking:
        waiting = asking.submit(_ask, server, [larger] * 8)
        _await(lambda: sum(_of_replicas(server, _QUEUE).values()) >= 2)
        os.kill(first.pid, signal.SIGKILL)
        for status, mask in waiting.result():
            assert status in (200, 500, 503)
            assert status != 200 or (mask == truth).all()
    _await(lambda: len(_of_replicas(server, _QUEUE)) == 2)
    pids = {process.pid for process in _replicas(_started(server))}
    assert (len(pids), first.pid in pids, second.pid in pids) == (2, False, True)
    assert [status for status, _ in _ask(server, images[:8])] == [200] * 8

    processes = _started(server)
    assert server.end()[0] == -signal.SIGTERM
    assert psutil.wait_procs(processes, timeout=_SECONDS)[1] == []


@pytest.mark.parametrize(
    ("machines", "replicas", "share"),
    [
        ([{"CPU": 4}], None, Share(4, 1, 0)),
        ([{"CPU": 4}], 1, Share(1, 4, 0)),
        ([{"CPU": 4}], 3, Share(3, 1, 0)),
        ([{"CPU": 8}, {"CPU": 2}], 3, Share(3, 2, 0)),  # 3 of 3 CPUs would not fit: 8 // 3 + 2 // 3 = 2
        ([{"CPU": 16, "GPU": 2}, {"CPU": 16}], None, Share(2, 8, 1)),
        ([{"CPU": 16, "GPU": 2}, {"CPU": 4, "GPU": 1}], None, Share(3, 4, 1)),
        ([{}, {"CPU": 2}], 2, Share(2, 1, 0)),  # the first machine only manages the others
    ],
)
def test_replicas_divide_the_devices_evenly_and_each_fits_on_a_machine(machines, replicas, share):
    assert share_of(machines, replicas, may_use_gpus=True) == share


def test_gpus_are_left_alone_where_the_network_does_not_use_them():
    assert share_of([{"CPU": 4, "GPU": 2}], None, may_use_gpus=False) == Share(4, 1, 0)


@pytest.mark.parametrize(
    ("machines", "message"),
    [
        ([{"CPU": 4}], "must be 1 to 4, one for each CPU there; got 5"),
        ([{"CPU": 9, "GPU": 1}], "must be 1 to 1, one for each GPU there; got 5"),
        ([{}], "has no CPU"),
    ],
)
def test_more_replicas_than_devices_are_refused(machines, message):
    with pytest.raises(OptionError, match=message):
        share_of(machines, 5, may_use_gpus=True)


def test_replicas_without_a_cluster_are_one_clear_error(tmp_path):
    done = CliRunner().invoke(app, ["serve", str(tmp_path), "--replicas", "2"])
    assert done.exit_code == 2
    assert done.stderr.startswith("error: --replicas are those on a Ray cluster: add --ray local")


def test_ray_serve_that_is_not_installed_is_one_clear_error(model, tmp_path, monkeypatch):
    from importlib.util import find_spec

    from unetzoo._utils import extras

    unetzoo.save(model, tmp_path / "net")
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "fastapi" else find_spec(name))
    done = CliRunner().invoke(app, ["serve", str(tmp_path / "net"), "--ray", "local"])
    assert done.exit_code == 2
    assert "error: unetzoo serve --ray needs fastapi: pip install '.[ray]'" in done.stderr
