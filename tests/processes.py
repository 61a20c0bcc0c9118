"""Processes of their own that begin with torch and unetzoo imported, which takes seconds in each that starts anew."""

import multiprocessing
from contextlib import suppress

_FORKING = multiprocessing.get_context("forkserver")  # of a server that runs nothing but these imports
_FORKING.set_forkserver_preload(
    [
        "accelerate",
        "matplotlib.figure",
        "scipy.stats",
        "timm",
        "unetzoo.training.fit",
        "unetzoo.inference.files.predictor",
    ]
)

_SECONDS = 600  # until a process on a busy machine is taken for dead


def start(function, *arguments):
    """A process that calls function(send, *arguments), and an iterator over what it sends until it ends."""
    ours, theirs = _FORKING.Pipe(duplex=False)
    process = _FORKING.Process(target=_call, args=(function, theirs, *arguments))
    process.start()
    theirs.close()
    return process, _received(ours)


def _call(function, pipe, *arguments):
    multiprocessing.set_start_method(None, force=True)  # workers as in a process that starts anew
    function(pipe.send, *arguments)


def _received(pipe):
    with pipe, suppress(EOFError):
        while pipe.poll(_SECONDS):
            yield pipe.recv()
        raise TimeoutError(f"the process has said nothing for {_SECONDS} s")
