"""A bad update from begin to end: at night a pack is rolled out, fails in 41 of 137 accounts, and is repaired.

Told by real runs of packwatch on recorded statuses, one each five minutes. The same each time but for ids. A run on
a laptop knows neither the accounts' names nor the function's table: these two are filled in, as the function does.
"""

import json
import os
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from organization import ROWS, STAGES, TEAMS, status

PACK = "cis-baseline"
REGION = "eu-central-1"
# A Tuesday.
NIGHT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
ACCOUNTS = 137
POLL = 5

# Minutes after the night's begin: when the last account has failed, when the repair begins, when all is over.
FAILED_BY, REPAIR, END = 50, 95, 180

# What AWS Config says of each cause.
RULES = (
    "Failed to put config rule 'cis-root-mfa-{suffix}' because the account already contains 1000 config rules. "
    "Please consider deleting deactivated rules if you have any before adding new rules."
)
DENIED = (
    "User: arn:aws:sts::{account}:assumed-role/AWSServiceRoleForConfigConforms/AwsConfigConformsWorkflow is not "
    "authorized to perform: config:PutConfigRule with an explicit deny in a service control policy"
)
RECORDER = "You must create a configuration recorder before you can create or update a Config rule."
# How many accounts each has, and the minute of its first failure.
CAUSES = [
    (27, 3, "MaxNumberOfConfigRulesExceededException", RULES),
    (11, 8, "AccessDenied", DENIED),
    (3, 31, "NoAvailableConfigurationRecorderException", RECORDER),
]


@dataclass
class Message:
    """What the alerts topic gets, in each form."""

    at: datetime
    document: dict
    mail: str
    slack: dict
    sms: str

    @property
    def subject(self) -> str:
        return self.mail.split("\n", 1)[0].removeprefix("Subject: ")

    @property
    def body(self) -> str:
        return self.mail.split("\n\n", 1)[1]


class BadUpdate:
    """The story in a folder, as far as the minute `until`, in a night that begins at `begin`."""

    def __init__(self, folder: Path, packwatch: Path, until: int = END, begin: datetime = NIGHT):
        self.folder, self.packwatch, self.begin = folder, packwatch.resolve(), begin
        dice = random.Random(41)
        ids = [f"{n:012}" for n in sorted(dice.sample(range(10**10, 10**12), ACCOUNTS))]
        self.names = {account: f"{dice.choice(TEAMS)}-{dice.choice(STAGES)}" for account in ids}
        self.acts = {account: list(acts) for account, acts in zip(ids, courses(dice), strict=True)}
        listed = [{"Id": account, "Name": name} for account, name in self.names.items()]
        (folder / "accounts.json").write_text(json.dumps({"Accounts": listed}))
        # The pack is known for weeks.
        self.poll(-24 * 60)
        self.messages = [message for minute in range(0, until + 1, POLL) for message in self.poll(minute)]

    def poll(self, minute: int) -> list[Message]:
        statuses = self.folder / f"{PACK}.json"
        statuses.write_text(json.dumps({ROWS: [self.row(account, minute) for account in self.acts]}))
        at = self.begin + timedelta(minutes=minute)
        told = self.run(
            *("run", "--statuses", statuses.name, "--region", REGION, "--now", at.isoformat()),
            *("--output", "json", "--store", "store.sqlite"),
        )
        return [self.message(at, document) for document in documents(told)]

    def row(self, account: str, minute: int) -> dict:
        since, name, more = [act for act in self.acts[account] if act[0] <= minute][-1]
        return status(
            account,
            name,
            self.begin + timedelta(minutes=since),
            **{
                key: text.format(account=account, suffix=f"conformance-pack-{hash_of(account)}")
                for key, text in more.items()
            },
        )

    def message(self, at: datetime, document: dict) -> Message:
        document |= {"Table": "packwatch", "TableRegion": REGION}
        document.pop("Store", None)
        for notice in (notice for pack in document["Packs"] for notice in pack["Transitions"]):
            notice["AccountName"] = self.names[notice["AccountId"]]
        text = json.dumps(document)
        form = {
            name: self.run("preview", "--channel", name, "-", stdin=text)
            for name in ("email", "slack", "sms")
        }
        return Message(at, document, form["email"], json.loads(form["slack"]), form["sms"].strip())

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        done = subprocess.run(
            [self.packwatch, *arguments],
            cwd=self.folder,
            env=os.environ | {"PACKWATCH_GROUP_INTERVAL": "30m"},
            input=stdin,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode not in (0, 2):
            raise SystemExit(done.stderr)
        return done.stdout

    def board(self, *options: str) -> str:
        return self.run("board", "--accounts", "accounts.json", "--store", "store.sqlite", *options)


def courses(dice: random.Random) -> Iterator[list[tuple[float, str, dict]]]:
    """What becomes of each account: since when it has which status, and why."""
    ends: list[tuple[float, dict]] = []
    for accounts, first, code, message in CAUSES:
        later = [dice.uniform(first + 1, FAILED_BY) for _ in range(accounts - 1)]
        ends += [(end, {"ErrorCode": code, "ErrorMessage": message}) for end in [first, *later]]
    ends += [(dice.uniform(2, FAILED_BY), {}) for _ in range(ACCOUNTS - len(ends))]
    dice.shuffle(ends)
    for end, failure in ends:
        again = dice.uniform(REPAIR, REPAIR + 45)
        yield [
            (-30 * 24 * 60 + end, "UPDATE_SUCCESSFUL", {}),
            (end - 2, "UPDATE_IN_PROGRESS", {}),
            (end, "UPDATE_FAILED" if failure else "UPDATE_SUCCESSFUL", failure),
            (again, "UPDATE_IN_PROGRESS", {}),
            (again + 3, "UPDATE_SUCCESSFUL", {}),
        ]


def hash_of(account: str) -> str:
    return "".join(random.Random(account).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=9))


def documents(text: str) -> Iterator[dict]:
    """One JSON document after another."""
    decoder = json.JSONDecoder()
    while text := text.strip():
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:]
