"""A server of `unetzoo serve` in a process of its own, and a client."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from threading import Lock
from urllib.parse import urlsplit

_PROGRAM = "from unetzoo.cli import main; main()"
_SECONDS = 120  # until a server on a busy machine is taken for dead


class Server:
    """A process that serves a network on a free port, with its temporary files in a folder."""

    def __init__(self, model, temporary, *options):
        temporary.mkdir(exist_ok=True)
        self.temporary = temporary
        command = [sys.executable, "-c", _PROGRAM, "serve", str(model), "--port", "0", *options]
        environment = {**os.environ, "TMPDIR": str(temporary)}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        self._address, self._lock = None, Lock()

    @property
    def address(self):
        """Of the page, as soon as the process says it."""
        with self._lock:
            while not self._address:
                line = self.process.stderr.readline()
                assert line, "the server ended"
                match = re.search(r"http://[\d.]+:\d+/", line)
                self._address = match and match[0]
            return self._address

    @property
    def place(self):
        parts = urlsplit(self.address)
        return parts.hostname, parts.port

    def request(self, method, path, body=None, headers=None):
        """Status, content and headers of an answer."""
        with closing(http.client.HTTPConnection(*self.place, timeout=_SECONDS)) as connection:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read(), response.headers

    def post(self, body, kind="png", **headers):
        return self.request("POST", f"/predict?as={kind}", body, headers)

    def error(self, body, path="/predict", **headers):
        """Status and error of an answer that is one."""
        status, content, received = self.request("POST", path, body, headers)
        assert received["content-type"] == "application/json"
        return status, json.loads(content)["error"]

    def metric(self, name):
        """A number of /metrics; 0 before it is counted."""
        _, text, _ = self.request("GET", "/metrics")
        match = re.search(rf"^{re.escape(name)} (\S+)$", text.decode(), re.MULTILINE)
        return float(match[1]) if match else 0

    def await_metric(self, name, value):
        end = time.monotonic() + _SECONDS
        while self.metric(name) != value:
            assert time.monotonic() < end, f"{name} stays {self.metric(name)}"

    def begin(self, body, size=None):
        """A connection on which a request of so many bytes began with these ones."""
        connection = socket.create_connection(self.place, timeout=_SECONDS)
        head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size or len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        return connection

    def end(self):
        """Ask the process to end; its exit code and what else it said."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=_SECONDS)
        return self.process.returncode, said
