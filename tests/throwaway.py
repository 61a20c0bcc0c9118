"""Throw-away distributions: real wheels, unpacked, as pip does, into a folder that only processes of their own see."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Prints the value of an expression, and every warning, as JSON.
_ASK = """
import dataclasses, json, sys, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import unetzoo

    def plugins():  # without the first-party ones, which may be installed or not
        return [info for info in unetzoo.list_plugins() if not info.name.startswith("unetzoo-")]

    try:
        value = eval(sys.argv[1])
    except unetzoo.UnetzooError as error:
        value = {"error": type(error).__name__, "message": str(error)}
found = [[warning.category.__name__, str(warning.message)] for warning in caught]
print(json.dumps([value, found], default=dataclasses.asdict))
"""


@dataclass(frozen=True)
class Distribution:
    """A distribution to be: its name, its modules' sources, its entry points in the group `unetzoo`, other files."""

    name: str
    modules: Mapping[str, str]
    entry_points: Mapping[str, str] = field(default_factory=dict)
    version: str = "1.0"
    files: Mapping[str, str] = field(default_factory=dict)

    def wheel(self, folder: Path) -> Path:
        """Build its wheel, as the specification of binary distributions says."""
        stem = f"{self.name.replace('-', '_')}-{self.version}"
        points = "".join(f"{name} = {target}\n" for name, target in self.entry_points.items())
        files = {f"{module}.py": source for module, source in self.modules.items()} | {
            **self.files,
            f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.version}\n",
            f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{stem}.dist-info/entry_points.txt": f"[unetzoo]\n{points}",
        }
        record = f"{stem}.dist-info/RECORD"
        files[record] = "".join(f"{path},{_hash(text)},{len(text.encode())}\n" for path, text in files.items())
        files[record] += f"{record},,\n"
        path = folder / f"{stem}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return path


@dataclass
class Answer:
    """What a process of its own said: a value, or an error's type and message; and its warnings."""

    value: Any
    warnings: list[tuple[str, str]]


@dataclass(frozen=True)
class Site:
    """A folder into which distributions are installed."""

    folder: Path

    def install(self, *distributions: Distribution) -> "Site":
        """Install them; of modules and entry points alone, a wheel is what lies there afterwards."""
        for distribution in distributions:
            with zipfile.ZipFile(distribution.wheel(self.folder.parent)) as wheel:
                wheel.extractall(self.folder)
        return self

    def run(self, code: str, *arguments: str, **environment: str) -> str:
        """What a new process that sees the folder prints."""
        command = [sys.executable, "-c", code, *arguments]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("UNETZOO_")}
        seen = {**inherited, "PYTHONPATH": str(self.folder), **environment}
        done = subprocess.run(command, capture_output=True, text=True, env=seen, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, expression: str, **environment: str) -> Answer:
        """The value of a Python expression that may use `unetzoo`, in a new process."""
        value, warnings = json.loads(self.run(_ASK, expression, **environment))
        return Answer(value, [(category, message) for category, message in warnings])


def decoders(*names: str) -> str:
    """The source of a plugin that offers decoders which can be looked up, but not built."""
    specs = "\n".join(f"    yield unetzoo.DecoderSpec(name={name!r}, build=lambda *, features: None)" for name in names)
    return f"import unetzoo\n\n@unetzoo.hookimpl\ndef unetzoo_decoders():\n{specs}\n"


def plugin(name: str, source: str, *, version: str = "1.0") -> Distribution:
    """A distribution of one module that is a plugin; its entry point has the module's name."""
    module = name.replace("-", "_").lower()
    return Distribution(name, {module: source}, {module: module}, version)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
