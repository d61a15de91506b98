"""Drives one Chromium over its debugging pipe (no library, no port): opens pages at a width, asks them, prints them.

It is the `browser` fixture of `conftest.py`.
"""

import base64
import itertools
import json
import os
import re
import select
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

WAIT = 120  # seconds for one answer
A4 = 694  # CSS pixels between the margins of `page.css`
# Keys, outcomes and names of measures, which no reader should meet outside <code>.
UNTRANSLATED = r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b|\b(?:check|signal):|\bPASS\b|\bFAIL\b|\bINCONCLUSIVE\b"
LOOK = """(() => {
    const all = selector => [...document.querySelectorAll(selector)];
    const cut = e => e.getBoundingClientRect().right > innerWidth + 1;
    const bare = document.body.cloneNode(true);
    bare.querySelectorAll("code, pre, .text, style").forEach(e => e.remove());
    return {
        wider: Math.max(0, document.documentElement.scrollWidth - innerWidth),
        cut: all("th, td, svg, img").filter(cut).map(e => e.innerText),
        requests: performance.getEntriesByType("resource").length,
        scopeless: all("th:not([scope])").length,
        levels: all("h1, h2, h3, h4").map(e => +e.tagName[1]),
        text: bare.textContent };
})()"""


class Browser:
    """A headless Chromium with one tab."""

    def __init__(self, program: str, profile: Path) -> None:
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
        flags += ("--disable-component-update", "--disable-sync", f"--user-data-dir={profile}")
        # Chromium reads commands on descriptor 3 and answers on 4.
        command = ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", program, *flags]
        self._process = subprocess.Popen(
            [*command, "--remote-debugging-pipe", "about:blank"],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._read, self._asked, self._tab = b"", 0, None
        tab = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._tab = self.call("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol and give its result."""
        self._asked += 1
        message = {"id": self._asked, "method": method, "params": params} | (
            {"sessionId": self._tab} if self._tab else {}
        )
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._read:
                assert select.select([self._from], [], [], WAIT)[0], f"{method}: no answer"
                self._read += os.read(self._from, 1 << 16)
            line, _, self._read = self._read.partition(b"\0")
            answer = json.loads(line)
            if answer.get("id") == self._asked:
                assert "error" not in answer, answer
                return answer["result"]

    def open(self, page: Path, width: int, media: str = "screen") -> None:
        """Show a page in a window of so many CSS pixels, for the screen or as `print` would lay it out."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500
        )
        self.call("Emulation.setEmulatedMedia", media=media)
        self.call("Page.navigate", url=page.resolve().as_uri())
        self.ask("new Promise(done => document.readyState == 'complete' ? done() : addEventListener('load', done))")

    def ask(self, javascript: str) -> Any:
        """The value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=javascript, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def print(self, page: Path) -> tuple[int, dict[str, int]]:
        """Print a page on its own paper: how many sheets, and on which one each heading stands (1 is the first)."""
        self.open(page, 794, media="")
        printed = self.call("Page.printToPDF", preferCSSPageSize=True, generateDocumentOutline=True)
        pdf = base64.b64decode(printed["data"])
        sheets = [
            int(number)
            for kids in re.findall(rb"/Type /Pages\n/Count \d+\n/Kids \[(.*?)\]", pdf)
            for number in re.findall(rb"(\d+) 0 R", kids)
            if re.search(rb"\n%s 0 obj\n<</Type /Page\n" % number, pdf)
        ]
        headings = {}
        for title, sheet in re.findall(rb"/Title (\(.*?\)|<.*?>)\n/Dest \[(\d+) 0 R", pdf):
            inner = title[1:-1]
            text = bytes.fromhex(inner.decode()).decode("utf-16") if title[:1] == b"<" else inner.decode("latin-1")
            headings.setdefault(text.replace("\u00a0", " "), sheets.index(int(sheet)) + 1)
        return len(sheets), headings

    def look_over(self, page: Path, *, french: bool = True) -> tuple[int, dict[str, int]]:
        """Assert what every page must be on a phone, on a desk and on A4; give what `print` gives.

        Nothing is wider than its window or cut on paper, nothing is fetched, headings are in order, heads of tables
        have a scope, and in a French page nothing is left in English outside `<code>`.
        """
        for width, media in ((390, "screen"), (1280, "screen"), (A4, "print")):
            self.open(page, width, media)
            found = self.ask(LOOK)
            assert found["wider"] == 0, (width, media)
            assert media == "screen" or not found["cut"]
            assert found["requests"] == found["scopeless"] == 0
            levels = found["levels"]
            assert levels[0] == levels.count(1) == 1
            assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels
            assert not french or not re.findall(UNTRANSLATED, found["text"])
        return self.print(page)

    def close(self) -> None:
        """End the browser and wait for it."""
        with suppress(OSError, AssertionError):
            self._tab = None
            self.call("Browser.close")
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
        os.close(self._to)
        os.close(self._from)
