"""A real JupyterLab in a workspace of its own, and a real Chromium to open it."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import TimeoutError  # noqa: A004 - Playwright's own

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync"
).split()
ARTIFACTS = Path(__file__).parent.parent / "test-artifacts"


def require_chromium() -> str:
    """Return Chromium's path; skip without one, but fail where CI=true."""
    if CHROMIUM is None:
        reason = "Chromium is not installed (apt-get install chromium)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    return CHROMIUM


@contextmanager
def lab_server(folder: Path, home: Path):
    """Run `workbench lab` in a folder; give its address and token."""
    config = home / "config" / "labconfig"
    config.mkdir(parents=True)
    quiet = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
    (config / "default_setting_overrides.json").write_text(json.dumps(quiet))
    port, token = free_port(), secrets.token_hex(8)
    command = [str(Path(sys.executable).with_name("workbench")), "lab", "--no-browser", f"--port={port}"]
    command += [f"--IdentityProvider.token={token}"]
    env = os.environ | {"JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_RUNTIME_DIR": str(home / "runtime")}
    with (home / "lab.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)
        try:
            wait_for_server(f"http://127.0.0.1:{port}/api/status?token={token}", process, home / "lab.log")
            yield f"http://127.0.0.1:{port}", token
        finally:
            process.terminate()
            try:
                process.wait(10)
            except (
                subprocess.TimeoutExpired
            ):  # stopped while it still started a kernel, it waits for an idle thread of AnyIO's for ever
                process.kill()
                process.wait()


@contextmanager
def chromium():
    """Run Chromium, headless."""
    from playwright.sync_api import sync_playwright

    path = require_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def write_notebook(folder: Path, name: str, *cells: str) -> Path:
    """Write a notebook of code cells into a workspace."""
    kernel = {"name": "python3", "display_name": "Python 3"}
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernel})
    path = folder / "notebooks" / name
    nbformat.write(nb, path)
    return path


class Notebook:
    """A page with a notebook open in JupyterLab, driven as a person drives it."""

    def __init__(self, browser, lab, name, width=1280, height=1300):
        self.page = browser.new_page(viewport={"width": width, "height": height})
        self.requests = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(lab_url(*lab, f"notebooks/{name}"))
        self.ready()

    def ready(self):
        self.page.locator(".jp-Notebook").wait_for(timeout=60_000)
        self.idle()

    def idle(self):
        indicator = self.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
        indicator.wait_for(state="attached", timeout=60_000)  # a narrow window moves it out of sight

    def until_begun(self, run):
        """Run cells; while the page still connects to its kernel, JupyterLab may drop the request without a word."""
        before = self.page.locator(".jp-InputPrompt").all_inner_texts()
        for _ in range(5):
            run()
            with suppress(TimeoutError):
                self.page.wait_for_function(
                    "before => JSON.stringify([...document.querySelectorAll('.jp-InputPrompt')].map(e => e.innerText)) "
                    "!== JSON.stringify(before)",
                    arg=before,
                    timeout=5_000,
                )
                return
        pytest.fail("no cell ran")

    def menu(self, menu, entry):
        self.page.locator("li.lm-MenuBar-item", has_text=menu).first.click()
        self.page.locator(".lm-Menu-item", has_text=entry).first.click()

    def run_all(self):
        self.page.locator(".jp-NotebookPanel .jp-Cell").first.click()
        self.until_begun(lambda: self.menu("Run", "Run All Cells"))

    def cell(self, number):
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def run_cell(self, number):
        self.cell(number).locator(".jp-InputPrompt").click()
        self.until_begun(lambda: self.page.keyboard.press("Control+Enter"))

    def restart_kernel(self):
        self.menu("Kernel", "Restart Kernel…")
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.idle()

    def shut_down_kernel(self):
        """End the kernel; a page that is reloaded before it is gone would connect to it, and wait for it in vain."""
        self.menu("Kernel", "Shut Down Kernel")
        self.page.locator(".jp-KernelName", has_text="No Kernel").first.wait_for(timeout=60_000)

    def save(self):
        self.page.keyboard.press("Control+s")
        self.page.get_by_text("Saving completed").first.wait_for(timeout=60_000)

    def reload(self):
        self.page.reload()
        self.ready()

    def shoot(self, name):
        return screenshot(self.page, name)


def wait_for_server(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"JupyterLab ended: {log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not come up: {log.read_text()[-2000:]}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def lab_url(base: str, token: str, notebook: str) -> str:
    return f"{base}/lab/tree/{notebook}?token={token}&reset"


def stop_kernels(base: str, token: str) -> None:
    """End all kernels of a server."""
    with urllib.request.urlopen(f"{base}/api/kernels?token={token}") as answer:
        kernels = json.load(answer)
    for kernel in kernels:
        ended = urllib.request.Request(f"{base}/api/kernels/{kernel['id']}?token={token}", method="DELETE")
        urllib.request.urlopen(ended).close()


def screenshot(page, name: str) -> Path:
    ARTIFACTS.mkdir(exist_ok=True)
    path = ARTIFACTS / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}.png"
    page.screenshot(path=path)
    return path
