"""Draws docs/images: the e-mail and the Slack form of events/notification.json as readers see them, the board in light
and dark, on a phone and on paper, and a bad update from begin to end in every form.

The texts are packwatch's real output; only the frames around them are drawn here. Needs Chromium
(Debian: `apt install chromium fonts-noto-core fonts-noto-mono fonts-noto-color-emoji`).

    python scripts/screenshots.py [--packwatch target/debug/packwatch] [--chromium chromium]
"""

import argparse
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

import frames
from bad_update import END, FAILED_BY, NIGHT, BadUpdate
from chromium import browser
from organization import Organization

PROJECT = Path(__file__).resolve().parent.parent
EVENT = PROJECT / "events" / "notification.json"
IMAGES = PROJECT / "docs" / "images"

DESKTOP = {"viewport": {"width": 1280, "height": 680}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
# How the board is scanned, and from how large a window. On paper: A4 with margins of one centimetre.
VIEWS = {
    "board-dark": DESKTOP | {"color_scheme": "dark"},
    "board-light": DESKTOP | {"color_scheme": "light"},
    "board-phone": PHONE,
    "board-print": {"viewport": {"width": 718, "height": 1046}, "color_scheme": "light"},
}


def preview(packwatch: Path, channel: str) -> str:
    command = [packwatch, "preview", "--channel", channel, EVENT]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def draw(opened: Browser, body: str, name: str, width: int) -> None:
    """The whole page, as high as it is."""
    page = opened.new_page(viewport={"width": width, "height": 800})
    page.set_content(f'<!doctype html><meta charset="utf-8"><style>{frames.STYLE}</style>{body}')
    keep(page, name, full_page=True)
    page.close()


def keep(page: Page, name: str, **options) -> None:
    """A picture of a page has few colours."""
    image = IMAGES / f"{name}.png"
    page.screenshot(path=image, **options)
    drawn = Image.open(image).convert("RGB")
    drawn.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(image, optimize=True)
    print(image.relative_to(PROJECT))


def messages(opened: Browser, packwatch: Path) -> None:
    subject, body = preview(packwatch, "email").split("\n\n", 1)
    draw(opened, frames.mail(subject.removeprefix("Subject: "), body), "mail", 760)
    draw(opened, frames.sheet([frames.chat(json.loads(preview(packwatch, "slack")), "10:01")]), "slack", 760)


def boards(opened: Browser, packwatch: Path) -> None:
    """The page of an organization that is made up, as it looks in several places."""
    with tempfile.TemporaryDirectory() as folder:
        file = Organization(Path(folder), 1_200, 12, packwatch).board(Path(folder) / "board.html")
        for name, options in VIEWS.items():
            context = opened.new_context(**options)
            page = context.new_page()
            page.goto(file.as_uri())
            if name == "board-print":
                page.emulate_media(media="print")
                page.evaluate("dispatchEvent(new Event('beforeprint'))")
            keep(page, name)
            context.close()


def bad_update(opened: Browser, packwatch: Path) -> None:
    """The messages of the night, the board when all has failed, and the past of an account when all is repaired."""
    with tempfile.TemporaryDirectory() as folder:
        told = BadUpdate(Path(folder), packwatch).messages
    draw(opened, frames.phones(told), "bad-update-mail", 840)
    draw(opened, frames.channel(told), "bad-update-slack", 760)
    with board_at(packwatch, FAILED_BY + 20) as (page, now):
        show(opened, page, now, "bad-update-board", DESKTOP)
        show(opened, page, now, "bad-update-phone", PHONE)
    first = told[0].document["Packs"][0]["Transitions"][0]["AccountId"]
    with board_at(packwatch, END) as (page, now):
        show(opened, f"{page}#status=all&account={first}", now, "bad-update-repaired", DESKTOP, "#list .row")


@contextmanager
def board_at(packwatch: Path, minute: int) -> Iterator[tuple[str, datetime]]:
    """The page of that minute: its address and time. It goes by the clock, so the night ends now; then the page's clock
    is put back."""
    with tempfile.TemporaryDirectory() as folder:
        now = NIGHT + timedelta(minutes=minute)
        late = datetime.now(UTC).replace(microsecond=0) - now
        file = Path(folder) / "board.html"
        night = BadUpdate(Path(folder), packwatch, until=minute, begin=NIGHT + late)
        clock = re.compile(r'(?<={"now":)\d+')
        seconds = int(late.total_seconds())
        board = night.board("--output", "html")
        file.write_text(clock.sub(lambda made: str(int(made[0]) - seconds), board, count=1))
        yield file.as_uri(), now


def show(opened: Browser, address: str, now: datetime, name: str, options: dict, click: str = "") -> None:
    context = opened.new_context(**options)
    page = context.new_page()
    page.clock.set_fixed_time(now)
    page.goto(address)
    if click:
        page.click(f"{click} >> nth=0")
    keep(page, name)
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packwatch", type=Path, default=PROJECT / "target/debug/packwatch")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    with browser(arguments.chromium) as opened:
        messages(opened, arguments.packwatch)
        bad_update(opened, arguments.packwatch)
        boards(opened, arguments.packwatch)


if __name__ == "__main__":
    main()
