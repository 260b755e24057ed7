"""An organization that is made up, of any size, and ten days of its past: what the board's tests and pictures show.

It is recorded by real runs of packwatch, on statuses as the AWS CLI prints them. The same each time but for the clock.
"""

import json
import random
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

PACKS = [
    "Security-Baseline",
    "Operational-Best-Practices-for-CIS",
    "Encryption-at-Rest",
    "Logging-and-Audit",
    "Network-Exposure",
    "IAM-Hygiene",
    "Backup-and-Recovery",
    "PCI-DSS",
    "Data-Residency",
    "Cost-Guardrails",
    "Container-Hardening",
    "Tagging",
]
REGIONS = ["eu-central-1", "eu-west-1", "us-east-1"]
TEAMS = [
    "payments",
    "search",
    "identity",
    "data-lake",
    "edge",
    "audit",
    "mobile",
    "billing",
    "ml",
    "web",
    "risk",
    "crm",
]
STAGES = ["prod", "staging", "dev", "sandbox"]
ERRORS = [
    (
        "NoAvailableConfigurationRecorderException",
        "You must create a configuration recorder before you can create or update a Config rule.",
    ),
    (
        "MaxNumberOfConfigRulesExceededException",
        "Failed to add the AWS Config rule because the account already has the maximum number of rules.",
    ),
    (
        "OrganizationConformancePackTemplateValidationException",
        "Template error: the resource type is not available in this region.",
    ),
    ("AccessDeniedException", "Explicit deny in a service control policy for config:PutConfigRule."),
    ("ResourceInUseException", "Another update of the conformance pack is in progress."),
]
WEIGHTS = [10, 6, 3, 2, 1]
ROWS = "OrganizationConformancePackDetailedStatuses"


class Organization:
    """A store with an organization, in a folder."""

    def __init__(self, folder: Path, accounts: int, packs: int, packwatch: Path, days: int = 10):
        self.folder, self.packwatch = folder, packwatch
        self.store, self.names = folder / "store.sqlite", folder / "accounts.json"
        dice = random.Random(7)
        ids = [f"{n:012}" for n in sorted(dice.sample(range(10**10, 10**12), accounts))]
        listed = [
            {"Id": account, "Name": f"{dice.choice(TEAMS)}-{dice.choice(STAGES)}-{n % 100:02}"}
            for n, account in enumerate(ids)
        ]
        self.names.write_text(json.dumps({"Accounts": listed}))
        now = datetime.now(UTC).replace(microsecond=0)
        rows: dict[int, dict[str, dict]] = {}
        for day in range(days, -1, -1):
            read_at = now - timedelta(days=day, minutes=dice.randrange(5, 50))
            for region, name in enumerate(REGIONS):
                files = []
                for pack in range(region, packs, len(REGIONS)):
                    known = rows.setdefault(pack, {a: well(a, read_at) for a in ids if dice.random() > 0.02})
                    for account, row in known.items():
                        known[account] = turned(row, read_at, dice)
                    files.append(self.record(pack, list(known.values())))
                if files:
                    self.scan(name, read_at, files)

    def record(self, pack: int, rows: list[dict]) -> Path:
        again = pack // len(PACKS)
        file = self.folder / f"{PACKS[pack % len(PACKS)]}{f'-{again + 1}' if again else ''}.json"
        file.write_text(json.dumps({ROWS: rows}))
        return file

    def scan(self, region: str, read_at: datetime, files: list[Path]) -> None:
        statuses = [option for file in files for option in ("--statuses", file)]
        command = [
            self.packwatch,
            "run",
            "--store",
            self.store,
            "--region",
            region,
            "--now",
            read_at.isoformat(),
            *statuses,
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode not in (0, 2):
            raise SystemExit(done.stderr)

    def packwatch_says(self, command: str, *options: str) -> str:
        arguments = [self.packwatch, command, "--store", self.store, *options]
        return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout

    def documents(self, command: str, *options: str) -> list[dict]:
        return [
            json.loads(line)
            for line in self.packwatch_says(command, "--output", "json", *options).splitlines()
        ]

    def board(self, page: Path) -> Path:
        page.write_text(self.packwatch_says("board", "--accounts", str(self.names), "--output", "html"))
        return page


def well(account: str, since: datetime) -> dict:
    return status(account, "UPDATE_SUCCESSFUL", since - timedelta(days=3))


def status(account: str, name: str, since: datetime, **more: str) -> dict:
    return {
        "AccountId": account,
        "ConformancePackName": "OrgConformsPack-x",
        "Status": name,
        "LastUpdateTime": since.isoformat(),
        **more,
    }


def turned(row: dict, read_at: datetime, dice: random.Random) -> dict:
    """What a day does to one account in one pack."""
    account, chance = row["AccountId"], dice.random()
    since = read_at - timedelta(minutes=dice.randrange(1, 240))
    if "ErrorCode" in row:
        return status(account, "UPDATE_SUCCESSFUL", since) if chance < 0.25 else row
    if row["Status"] != "UPDATE_SUCCESSFUL":
        return status(account, "UPDATE_SUCCESSFUL", since) if chance < 0.5 else row
    if chance < 0.004:
        ((code, message),) = dice.choices(ERRORS, WEIGHTS)
        return status(
            account,
            dice.choice(["CREATE_FAILED", "UPDATE_FAILED"]),
            since,
            ErrorCode=code,
            ErrorMessage=message,
        )
    if chance < 0.005:
        return status(account, "UPDATE_IN_PROGRESS", since)
    return status(account, "UPDATE_ROLLED_BACK", since) if chance < 0.0051 else row
