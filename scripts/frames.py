"""What stands around packwatch's texts in pictures: a mail client, a phone, Slack. The texts are shown as they are."""

import html
import re
from collections.abc import Sequence
from datetime import datetime

from bad_update import Message

EMOJI = {
    "red_circle": ("🔴", "#d72d30"),
    "large_orange_circle": ("🟠", "#e8912d"),
    "large_green_circle": ("🟢", "#2eb67d"),
    "large_blue_circle": ("🔵", "#1264a3"),
}

SENDER = "packwatch &lt;no-reply@sns.amazonaws.com&gt;"

STYLE = """
* { box-sizing: border-box } body { margin: 0; padding: 20px; background: #e9ebee;
  font: 15px/1.46 'Noto Sans', 'DejaVu Sans', 'Noto Color Emoji', sans-serif; color: #1d1c1d }
.sheet { background: #fff; border: 1px solid #d5d8dc; border-radius: 8px; padding: 18px 22px }
.head { border-bottom: 1px solid #e3e5e8; padding-bottom: 12px; margin-bottom: 14px }
.subject { font-size: 18px; font-weight: 600 } .grey { color: #616061; font-size: 13px }
pre { margin: 0; font: 13px/1.45 'Noto Sans Mono', 'DejaVu Sans Mono', monospace; white-space: pre-wrap;
  overflow-wrap: anywhere }
a { color: #1264a3; text-decoration: none; overflow-wrap: anywhere }
.bot { display: flex; gap: 10px } .bot + .bot { margin-top: 18px }
.avatar { width: 38px; height: 38px; border-radius: 6px; background: #4d27aa; color: #fff; font-weight: 700;
  text-align: center; line-height: 38px; flex: none }
.app { font-size: 10px; background: #dddddd; border-radius: 2px; padding: 1px 3px; color: #555; font-weight: 600 }
.card { border-left: 4px solid; padding: 2px 0 2px 12px; margin-top: 6px }
.card > * { color: #1d1c1d }
code { font: 12px 'Noto Sans Mono', 'DejaVu Sans Mono', monospace; color: #c01343; background: #f6f6f7;
  border: 1px solid #dcdcde; border-radius: 3px; padding: 1px 4px; overflow-wrap: anywhere }
blockquote { margin: 2px 0; padding-left: 10px; border-left: 4px solid #ddd } ol { margin: 4px 0; padding-left: 22px }
.phones { display: flex; gap: 20px; align-items: flex-start }
.phone { width: 390px; background: #fff; border-radius: 28px; overflow: hidden; position: relative;
  font: 16px/1.3 'Noto Sans', 'DejaVu Sans', sans-serif }
.phones > div > * + * { margin-top: 20px } .bar { display: flex; justify-content: space-between; padding: 14px 26px 6px;
  font-size: 14px; font-weight: 600 } .phone h1 { font-size: 28px; margin: 8px 16px } .phone a { color: #007aff }
.row { padding: 9px 16px 9px 34px; border-top: 1px solid #e5e5ea; position: relative }
.row::before { content: ''; position: absolute; left: 13px; top: 17px; width: 10px; height: 10px;
  border-radius: 5px; background: #007aff }
.row b { font-size: 16px } .row time { float: right; color: #8a8a8e; font-size: 14px }
.line { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; font-size: 15px }
.glance { color: #8a8a8e; font-size: 15px; display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical;
  overflow: hidden }
.opened { padding: 0 16px 18px } .opened .subject { font-size: 19px; margin: 10px 0; border-top: 1px solid #e5e5ea;
  padding-top: 10px } .plain { white-space: pre-wrap; overflow-wrap: anywhere }
.fold { position: absolute; left: 0; right: 0; top: 844px; border-top: 2px dashed #ff3b30 }
.fold span { position: absolute; right: 8px; top: -19px; font-size: 11px; color: #ff3b30; background: #fff }
.sms { background: #e9e9eb; border-radius: 18px; padding: 8px 13px; margin: 4px 40px 10px 14px;
  overflow-wrap: anywhere }
.cut { max-height: 844px; overflow: hidden }
.folded { max-height: 290px; overflow: hidden } .more { color: #1264a3; font-size: 13px; margin-top: 4px }
.when { text-align: center; color: #8a8a8e; font-size: 12px; margin-top: 8px }
"""


def links(escaped: str) -> str:
    return re.sub(r"https://[^\s<]+", lambda url: f'<a href="{url[0]}">{url[0]}</a>', escaped)


def mail(subject: str, body: str) -> str:
    return f"""<div class="sheet"><div class="head"><div class="subject">{html.escape(subject)}</div>
        <div class="grey">{SENDER} · to platform-on-call@example.com</div></div>
        <pre>{links(html.escape(body))}</pre></div>"""


def markdown(text: str) -> str:
    """Slack's markup, as far as packwatch writes it. Its escapes are HTML's."""
    text = re.sub(r":(\w+):", lambda name: EMOJI[name[1]][0] if name[1] in EMOJI else name[0], text)
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


def chat(notification: dict, at: str, is_folded: bool = False) -> str:
    """One message of Amazon Q's. Slack folds a long one."""
    content = notification["content"]
    steps = "".join(f"<li>{markdown(step)}</li>" for step in content["nextSteps"])
    colour = EMOJI[content["title"].split(":")[1]][1]
    fold, more = ("folded", '<div class="more">Show more</div>') if is_folded else ("", "")
    return f"""<div class="bot"><div class="avatar">Q</div><div>
        <b>Amazon Q</b> <span class="app">APP</span> <span class="grey">{at}</span>
        <div class="card" style="border-color: {colour}"><div class="{fold}"><b>{markdown(content["title"])}</b>
        {markdown(content["description"])}
        <div style="margin-top:8px"><b>Next steps</b><ol>{steps}</ol></div></div>{more}</div></div></div>"""


def sheet(messages: Sequence[str]) -> str:
    return f'<div class="sheet">{"".join(messages)}</div>'


def channel(messages: Sequence[Message]) -> str:
    """All of them, in a channel that shows what is in threads, too."""
    first, *later = [(message.slack, f"{message.at:%H:%M}") for message in messages]
    return sheet([chat(*first), *(chat(*message, is_folded=True) for message in later)])


def phones(messages: Sequence[Message]) -> str:
    """On the left what a phone lists, the newest first, and the text messages; on the right the first mail, opened, and
    the first screen of the largest one."""
    rows = "".join(listed(message) for message in reversed(messages))
    texts = "".join(
        f'<div class="when">{message.at:%H:%M}</div><div class="sms">packwatch&gt; {html.escape(message.sms)}</div>'
        for message in messages
    )
    at = messages[-1].at
    left = phone(at, f"<h1>Inbox</h1>{rows}") + phone(at, f'<h1 style="font-size:19px">packwatch</h1>{texts}')
    largest = max(messages, key=lambda message: len(message.body))
    right = opened(messages[0]) + f'<div class="cut">{opened(largest)}</div>'
    return f'<div class="phones"><div>{left}</div><div>{right}</div></div>'


def phone(at: datetime, content: str) -> str:
    return (
        f'<div class="phone"><div class="bar"><span>{at:%H:%M}</span><span>5G ▮</span></div>{content}</div>'
    )


def listed(message: Message) -> str:
    glance = html.escape(" ".join(message.body.split())[:200])
    return f"""<div class="row"><time>{message.at:%H:%M}</time><b>packwatch</b>
        <div class="line">{html.escape(message.subject)}</div><div class="glance">{glance}</div></div>"""


def opened(message: Message) -> str:
    """A phone's client shows plain text in a proportional font, and breaks what is longer than its lines."""
    return phone(
        message.at,
        f"""<div class="opened"><div style="color:#007aff;font-size:17px;margin:4px 0 10px">‹ Inbox</div>
        <b>packwatch</b> <span class="grey" style="float:right">{message.at:%H:%M}</span>
        <div class="grey">To: platform-on-call@example.com</div>
        <div class="subject">{html.escape(message.subject)}</div>
        <div class="plain">{links(html.escape(message.body))}</div></div>
        <div class="fold"><span>end of the first screen</span></div>""",
    )
