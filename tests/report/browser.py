"""A page in a real browser: what its console said, and which pictures it could draw."""

import json
import re
import shutil
import subprocess
import tempfile
from html import unescape
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--enable-logging=stderr", "--v=0", "--dump-dom",
)  # fmt: skip
# Runs in a copy of the page, without the rule that keeps scripts out of the real one.
LOOK = """<script>addEventListener("load", () => {
  const seen = [...document.images].map(i => [i.alt, i.complete ? i.naturalWidth : 0]);
  const wide = [...document.images].filter(i => i.getBoundingClientRect().right > innerWidth + 1).length;
  const outside = performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith("data:"));
  document.body.setAttribute("data-seen", JSON.stringify({seen, wide, outside}));
});</script>"""


def _open(path):
    browser = next((found for name in NAMES if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, *FLAGS, f"--user-data-dir={profile}", Path(path).resolve().as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def console_lines(path):
    """What the page wrote to the console: errors, refused scripts, pictures that did not load."""
    _, log = _open(path)
    return [line for line in log.splitlines() if "CONSOLE" in line]


def look(path, folder):
    """{seen: [[alt, width in pixels], ...], wide: pictures wider than the window, outside: requests made}."""
    text = Path(path).read_text("utf-8")
    copy = Path(folder) / "copy.html"
    copy.write_text(re.sub(r"<meta http-equiv=[^>]*>", "", text).replace("</head>", f"{LOOK}</head>"), "utf-8")
    dom, _ = _open(copy)
    found = re.search(r'<body[^>]* data-seen="([^"]*)"', dom)
    assert found, "the page did not load to its end"
    return json.loads(unescape(found[1]))
