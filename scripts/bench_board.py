"""How long the board takes at full size: to make, to open, to filter. Run by `make bench-board`."""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from chromium import browser
from organization import Organization

PACKWATCH = Path(__file__).resolve().parent.parent / "target/release/packwatch"
# From the navigation to the first frame that shows the rows.
OPENED = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
# From a change of a control to the rows being laid out.
FILTERED = """([id, value]) => {
  const control = document.getElementById(id), started = performance.now();
  control.value = value;
  control.dispatchEvent(new Event("input", { bubbles: true }));
  document.body.offsetHeight;
  return performance.now() - started;
}"""
FILTERS = [
    ("status", "all"),
    ("account", "prod"),
    ("status", "failed"),
    ("region", "eu-west-1"),
    ("account", ""),
    ("code", "AccessDeniedException"),
    ("pack", "7"),
    ("pack", ""),
    ("code", ""),
    ("status", "successful"),
    ("region", ""),
    ("status", "unhealthy"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--packs", type=int, default=50)
    parser.add_argument("--packwatch", type=Path, default=PACKWATCH)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, browser(options.chromium) as chromium:
        made = Organization(Path(folder), options.accounts, options.packs, options.packwatch, days=4)
        started = time.monotonic()
        file = made.board(Path(folder) / "board.html")
        seconds = time.monotonic() - started
        page = chromium.new_page(viewport={"width": 1360, "height": 800})
        opened = []
        for _ in range(9):
            page.goto(file.as_uri())
            opened.append(page.evaluate(OPENED))
        filtered = {"list": [], "matrix": [], "packs": []}
        for view, times in filtered.items():
            page.click(f"#tab-{view}")
            times += [page.evaluate(FILTERED, list(change)) for _ in range(3) for change in FILTERS]
        heap = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
        print(f"\n{options.accounts:,} accounts × {options.packs} packs\n")
        row("packwatch board --output html", f"{seconds:.2f} s", f"peak {peak(made, folder):.0f} MB")
        row("the page", f"{file.stat().st_size / 1e6:.2f} MB", f"heap {heap:.0f} MB")
        row(
            "to open it",
            f"{statistics.median(opened):.0f} ms",
            f"worst of {len(opened)}: {max(opened):.0f} ms",
        )
        for view, times in filtered.items():
            row(
                f"to filter ({view})",
                f"{statistics.median(times):.0f} ms",
                f"worst of {len(times)}: {max(times):.0f} ms",
            )


def row(what: str, median: str, more: str) -> None:
    print(f"  {what:32}{median:>10}   {more}")


def peak(made: Organization, folder: str) -> float:
    """The largest resident size of the command, in MB."""
    command = [made.packwatch, "board", "--store", made.store, "--accounts", made.names, "--output", "html"]
    with open(Path(folder) / "again.html", "wb") as out:
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"packwatch board ended with {status}")
    return usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
