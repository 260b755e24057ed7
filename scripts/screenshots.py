"""Draws docs/images: the e-mail and the Slack form of events/notification.json as readers see them, and the board
in light and dark, on a phone and on paper.

The texts are the real output of `packwatch preview`; only the frames around them are drawn here. Needs Chromium
(Debian: `apt install chromium fonts-noto-core fonts-noto-color-emoji`).

    python scripts/screenshots.py [--packwatch target/debug/packwatch] [--chromium chromium]
"""

import argparse
import html
import json
import re
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

from chromium import browser
from organization import Organization

PROJECT = Path(__file__).resolve().parent.parent
EVENT = PROJECT / "events" / "notification.json"
IMAGES = PROJECT / "docs" / "images"
EMOJI = {
    "red_circle": "🔴",
    "large_orange_circle": "🟠",
    "large_green_circle": "🟢",
    "large_blue_circle": "🔵",
}

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--disable-lcd-text",
]
FLAGS += ["--force-device-scale-factor=1"]

STYLE = """
* { box-sizing: border-box } body { margin: 0; padding: 20px; background: #e9ebee; width: WIDTHpx;
  font: 15px/1.46 'Noto Sans', 'DejaVu Sans', sans-serif; color: #1d1c1d }
.sheet { background: #fff; border: 1px solid #d5d8dc; border-radius: 8px; padding: 18px 22px }
.head { border-bottom: 1px solid #e3e5e8; padding-bottom: 12px; margin-bottom: 14px }
.subject { font-size: 18px; font-weight: 600 } .grey { color: #616061; font-size: 13px }
pre { margin: 0; font: 13px/1.45 'Noto Sans Mono', 'DejaVu Sans Mono', monospace; white-space: pre-wrap;
  overflow-wrap: anywhere }
a { color: #1264a3; text-decoration: none; overflow-wrap: anywhere }
.bot { display: flex; gap: 10px } .avatar { width: 38px; height: 38px; border-radius: 6px; background: #4d27aa;
  color: #fff; font-weight: 700; text-align: center; line-height: 38px; flex: none }
.app { font-size: 10px; background: #dddddd; border-radius: 2px; padding: 1px 3px; color: #555; font-weight: 600 }
.card { border-left: 4px solid COLOUR; padding: 2px 0 2px 12px; margin-top: 6px }
code { font: 12px 'Noto Sans Mono', 'DejaVu Sans Mono', monospace; color: #c01343; background: #f6f6f7;
  border: 1px solid #dcdcde; border-radius: 3px; padding: 1px 4px; overflow-wrap: anywhere }
blockquote { margin: 2px 0; padding-left: 10px; border-left: 4px solid #ddd } ol { margin: 4px 0; padding-left: 22px }
.key { display: inline-block; background: #f0f0f1; border-radius: 10px; padding: 1px 9px; margin: 3px 3px 0 0;
  font-size: 12px; color: #454447 }
"""


def preview(packwatch: Path, channel: str) -> str:
    command = [packwatch, "preview", "--channel", channel, EVENT]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def links(escaped: str) -> str:
    return re.sub(r"https://[^\s<]+", lambda url: f'<a href="{url[0]}">{url[0]}</a>', escaped)


def mail(text: str) -> str:
    subject, body = text.split("\n\n", 1)
    subject = subject.removeprefix("Subject: ")
    return f"""<div class="sheet"><div class="head"><div class="subject">{html.escape(subject)}</div>
        <div class="grey">packwatch &lt;no-reply@sns.amazonaws.com&gt; · to platform-on-call@example.com</div></div>
        <pre>{links(html.escape(body))}</pre></div>"""


def markdown(text: str) -> str:
    """Slack's markup, as far as packwatch writes it. Its escapes are HTML's."""
    text = re.sub(r":(\w+):", lambda name: EMOJI.get(name[1], name[0]), text)
    lines = []
    for line in text.split("\n"):
        # Code first: nothing inside it is markup.
        pieces = re.split(r"(`[^`]*`)", line.removeprefix("> "))
        for index, piece in enumerate(pieces):
            if piece.startswith("`"):
                pieces[index] = f"<code>{piece[1:-1]}</code>"
            else:
                piece = re.sub(r"\*([^*]+)\*", r"<b>\1</b>", piece)
                pieces[index] = links(re.sub(r"^_(.+)_$", r"<i class='grey'>\1</i>", piece))
        joined = "".join(pieces)
        lines.append(
            f"<blockquote>{joined}</blockquote>"
            if line.startswith("> ")
            else f"<div>{joined or '&nbsp;'}</div>"
        )
    return "".join(lines)


def chat(text: str) -> str:
    content = json.loads(text)["content"]
    steps = "".join(f"<li>{markdown(step)}</li>" for step in content["nextSteps"])
    keywords = "".join(f'<span class="key">{markdown(word)}</span>' for word in content["keywords"])
    keywords = keywords.replace("<div>", "").replace("</div>", "")
    return f"""<div class="sheet"><div class="bot"><div class="avatar">Q</div><div>
        <b>Amazon Q</b> <span class="app">APP</span> <span class="grey">10:01</span>
        <div class="card"><b>{markdown(content["title"])}</b>{markdown(content["description"])}
        <div style="margin-top:8px"><b>Next steps</b><ol>{steps}</ol></div>{keywords}</div></div></div></div>"""


def draw(chromium: str, body: str, image: Path, width: int) -> None:
    """Two passes: the page says how high it is, then it is drawn."""
    style = STYLE.replace("WIDTH", str(width)).replace("COLOUR", "#d72d30")
    measure = "document.documentElement.dataset.height = document.body.scrollHeight"
    page = (
        f'<!doctype html><meta charset="utf-8"><style>{style}</style><body>{body}<script>{measure}</script>'
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(page)
        browser = [chromium, *FLAGS, f"--user-data-dir={folder}/profile"]
        size = f"--window-size={width},800"
        dom = subprocess.run(
            [*browser, size, "--dump-dom", file.as_uri()], check=True, capture_output=True, text=True
        )
        height = int(re.search(r'data-height="(\d+)"', dom.stdout)[1])
        image.parent.mkdir(parents=True, exist_ok=True)
        shot = [f"--window-size={width},{height}", f"--screenshot={image}", file.as_uri()]
        subprocess.run([*browser, *shot], check=True, capture_output=True)
    shrink(image)
    print(image.relative_to(PROJECT))


def shrink(image: Path) -> None:
    """A picture of a page has few colours."""
    Image.open(image).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        image, optimize=True
    )


# How the board is scanned, and from how large a window. On paper: A4 with margins of one centimetre.
VIEWS = {
    "board-dark": {"viewport": {"width": 1280, "height": 680}, "color_scheme": "dark"},
    "board-light": {"viewport": {"width": 1280, "height": 680}, "color_scheme": "light"},
    "board-phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "board-print": {"viewport": {"width": 718, "height": 1046}, "color_scheme": "light"},
}


def board(chromium: str, packwatch: Path) -> None:
    """The page of an organization that is made up, as it looks in several places."""
    with tempfile.TemporaryDirectory() as folder, browser(chromium) as opened:
        file = Organization(Path(folder), 1_200, 12, packwatch).board(Path(folder) / "board.html")
        for name, options in VIEWS.items():
            context = opened.new_context(**options)
            page = context.new_page()
            page.goto(file.as_uri())
            if name == "board-print":
                page.emulate_media(media="print")
                page.evaluate("dispatchEvent(new Event('beforeprint'))")
            image = IMAGES / f"{name}.png"
            page.screenshot(path=image)
            context.close()
            shrink(image)
            print(image.relative_to(PROJECT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packwatch", type=Path, default=PROJECT / "target/debug/packwatch")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    draw(arguments.chromium, mail(preview(arguments.packwatch, "email")), IMAGES / "mail.png", 760)
    draw(arguments.chromium, chat(preview(arguments.packwatch, "slack")), IMAGES / "slack.png", 760)
    board(arguments.chromium, arguments.packwatch)


if __name__ == "__main__":
    main()
