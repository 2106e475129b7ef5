"""Makes the wheel: the build backend that pyproject.toml names (PEP 517), with the standard library only.

So pip needs neither setuptools nor a network, and writes nothing but the wheel: this folder may be read-only.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.util
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Dict, List, Optional

_HERE = Path(__file__).resolve().parent
_PROJECT = (_HERE / "pyproject.toml").read_text(encoding="utf-8")
_DATE = (1980, 1, 1, 0, 0, 0)  # the same wheel from the same source

# The interpreter has just written this module's bytecode beside it.
with contextlib.suppress(OSError):
    _CACHED = Path(importlib.util.cache_from_source(__file__))
    _CACHED.unlink()
    _CACHED.parent.rmdir()


def _value(key: str) -> str:
    found = re.search(rf'^{key} = (?:\{{text = )?"(.*?)"', _PROJECT, re.MULTILINE)
    if found is None:
        raise ValueError(f"pyproject.toml has no {key}")
    return found[1]


_NAME = f"{_value('name')}-{_value('version')}"


def _metadata() -> bytes:
    lines = ["Metadata-Version: 2.1"]
    for header, key in (
        ("Name", "name"),
        ("Version", "version"),
        ("Summary", "description"),
        ("License", "license"),
        ("Requires-Python", "requires-python"),
    ):
        lines.append(f"{header}: {_value(key)}")
    lines += [f"Classifier: {text}" for text in re.findall(r'^  "(.* :: .*)",$', _PROJECT, re.MULTILINE)]
    lines += ["Description-Content-Type: text/markdown", "", (_HERE / _value("readme")).read_text(encoding="utf-8")]
    return "\n".join(lines).encode()


def _sources() -> List[Path]:
    return sorted([*_HERE.glob("jeton/*.py"), _HERE / "jeton" / "py.typed"])


def _record(files: Dict[str, bytes], name: str) -> bytes:
    def row(path: str, content: bytes) -> str:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        return f"{path},sha256={digest},{len(content)}\n"

    return ("".join(row(path, content) for path, content in files.items()) + f"{name},,\n").encode()


def _write_wheel(directory: str, files: Dict[str, bytes]) -> str:
    info = f"{_NAME}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": _metadata(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: jeton\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD")
    wheel = f"{_NAME}-py3-none-any.whl"
    with zipfile.ZipFile(Path(directory, wheel), "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return wheel


# ---- What pip and build call ----


def get_requires_for_build_wheel(config_settings: Optional[object] = None) -> List[str]:
    return []


def get_requires_for_build_sdist(config_settings: Optional[object] = None) -> List[str]:
    return []


def get_requires_for_build_editable(config_settings: Optional[object] = None) -> List[str]:
    return []


def build_wheel(
    wheel_directory: str, config_settings: Optional[object] = None, metadata_directory: Optional[str] = None
) -> str:
    return _write_wheel(wheel_directory, {f"jeton/{path.name}": path.read_bytes() for path in _sources()})


def build_editable(
    wheel_directory: str, config_settings: Optional[object] = None, metadata_directory: Optional[str] = None
) -> str:
    return _write_wheel(wheel_directory, {"_jeton.pth": f"{_HERE}\n".encode()})


def build_sdist(sdist_directory: str, config_settings: Optional[object] = None) -> str:
    name = f"{_NAME}.tar.gz"
    with tarfile.open(Path(sdist_directory, name), "w:gz") as archive:
        for file in ("pyproject.toml", "README.md", "make_wheel.py"):
            archive.add(_HERE / file, f"{_NAME}/{file}")
        for path in _sources():
            archive.add(path, f"{_NAME}/jeton/{path.name}")
    return name
