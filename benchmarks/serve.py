"""Time `unetzoo serve` under many clients beside `unetzoo predict`, then write README.md.

python -m benchmarks.serve
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.page.readme import RESULTS, write_pages
from unetzoo.assembly import create
from unetzoo.bench.machine import machine
from unetzoo.bench.store import write_json
from unetzoo.weights.folder import save

_DISTINCT = 10  # images
_SERVER = "from unetzoo.cli import main; main()"
_PREDICT = """
import json, sys, time
from pathlib import Path
import unetzoo
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predictor import FilePredictor

unetzoo.keep_freed_memory()
predictor = FilePredictor(unetzoo.load(sys.argv[1]), PredictOptions(overwrite=True))
for line in sys.stdin:
    jobs = [(Path(image), Path(target)) for image, target in json.loads(line)]
    start = time.perf_counter()
    for image, target in jobs:
        predictor.predict(image, target)
    print(time.perf_counter() - start, flush=True)
"""


def measure_serving(
    *, encoder: str = "resnet18", size: int = 256, requests: int = 200, clients: int = 16, rounds: int = 4
) -> dict[str, Any]:
    """Seconds of `predict` and of a server for as many images, in turn, each in a process of its own.

    Args:
        encoder: of a U-Net of two classes.
        size: of the square images of random values.
        requests: of all rounds together.
        clients: that ask at once.
        rounds: how often each takes its turn; one more, before them, is not counted.

    Returns:
        The seconds of each round, the memory of the server after it, and how many answers were lost or not those of
        `predict`.
    """
    with tempfile.TemporaryDirectory() as name:
        folder, share = Path(name), requests // rounds
        jobs = _jobs(folder, encoder, size, share)
        environment = {**os.environ, "TMPDIR": name}
        predict = _start(_PREDICT, str(folder / "model"), environment=environment, stdin=subprocess.PIPE)
        serve = ("serve", str(folder / "model"), "--port", "0", "--timeout", "3600")
        server = _start(_SERVER, *serve, environment=environment, stderr=subprocess.PIPE)
        try:
            address = re.search(r"http://\S+", str(server.stderr and server.stderr.readline()))
            assert address
            turns = [_turn(predict, address[0], jobs, clients) for _ in range(rounds + 1)][1:]
        finally:
            for process in (predict, server):
                process.terminate()
                process.communicate()
    return {
        "encoder": encoder,
        "size": size,
        "requests": share * rounds,
        "clients": clients,
        "seconds": {who: [round(turn[who], 4) for turn in turns] for who in ("predict", "serve")},
        "memory": [turn["memory"] for turn in turns],
        "wrong": sum(turn["wrong"] for turn in turns),
        "load": os.getloadavg()[0],
    }


def _start(program: str, *arguments: str, environment: dict[str, str], **pipes: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, **pipes)  # type: ignore[call-overload,no-any-return] # noqa: S603 - our own program


def _jobs(folder: Path, encoder: str, size: int, count: int) -> list[tuple[Path, Path]]:
    """Images and the files of their masks; a network lies beside them."""
    torch.manual_seed(0)
    save(create("unet", encoder=encoder, classes=2, in_channels=1), folder / "model")
    random = np.random.default_rng(0)
    (folder / "masks").mkdir()
    images = [folder / f"{number}.png" for number in range(_DISTINCT)]
    for image in images:
        Image.fromarray(random.integers(0, 256, (size, size), dtype=np.uint8)).save(image)
    return [(images[number % _DISTINCT], folder / "masks" / f"{number}.png") for number in range(count)]


def _turn(
    predict: "subprocess.Popen[str]", address: str, jobs: Sequence[tuple[Path, Path]], clients: int
) -> dict[str, Any]:
    assert predict.stdin
    assert predict.stdout
    predict.stdin.write(json.dumps([(str(image), str(target)) for image, target in jobs]) + "\n")
    predict.stdin.flush()
    alone = float(predict.stdout.readline())
    bodies = [image.read_bytes() for image, _ in jobs]
    start = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        answers = list(threads.map(lambda body: _ask(f"{address}predict", body), bodies))
    served = time.perf_counter() - start
    wrong = sum(answer != target.read_bytes() for answer, (_, target) in zip(answers, jobs, strict=True))
    memory = re.search(r"^process_resident_memory_bytes (\S+)$", _ask(f"{address}metrics").decode(), re.MULTILINE)
    return {"predict": alone, "serve": served, "wrong": wrong, "memory": float(memory[1]) if memory else 0}


def _ask(address: str, body: bytes | None = None) -> bytes:
    with urllib.request.urlopen(address, body) as answer:  # noqa: S310 - of the loopback
        content: bytes = answer.read()
        return content


def main() -> None:
    """Measure, then write README.md."""
    write_json({"machine": machine(), **measure_serving()}, RESULTS / "serve.json")
    write_pages()


if __name__ == "__main__":
    main()
