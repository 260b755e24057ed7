"""The peer that packwatch is measured against: the same monitor as a careful Python Lambda.

Clients are built at init, packs are watched side by side in a thread pool, pages come from botocore's paginator, what
was last seen is one Query per pack, writes go through boto3's batch writer. Three shortcuts make boto3 faster than it
is by default: times stay the numbers that they are on the wire, parameters are not validated, and items are compared
in DynamoDB's own form instead of being deserialized. It does less than packwatch: no fence against a second run, no
outbox, one plain message for people.
"""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import botocore.session
from boto3.dynamodb.table import BatchWriter
from botocore.config import Config

WORKERS = int(os.environ["PEER_CONCURRENCY"])
TABLE = os.environ["PEER_TABLE"]
ALERTS = os.environ["PEER_ALERTS_TOPIC_ARN"]
EVENTS = os.environ["PEER_EVENTS_TOPIC_ARN"]
LONGEST_MESSAGE = 200_000

SESSION = botocore.session.get_session()
SESSION.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=lambda value: value)
OPTIONS = Config(
    max_pool_connections=WORKERS, parameter_validation=False, retries={"mode": "standard", "max_attempts": 8}
)
CONFIG, DYNAMODB, SNS = (
    SESSION.create_client(name, config=OPTIONS) for name in ("config", "dynamodb", "sns")
)
PACKS = CONFIG.get_paginator("describe_organization_conformance_packs")
STATUSES = CONFIG.get_paginator("get_organization_conformance_pack_detailed_status")
ROWS = DYNAMODB.get_paginator("query")
POOL = ThreadPoolExecutor(WORKERS)


def last_seen(pack: str) -> dict[str, str]:
    """The recorded state of each account."""
    pages = ROWS.paginate(
        TableName=TABLE,
        ConsistentRead=True,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"rows#{pack}"}},
    )
    return {item["sk"]["S"]: item["state"]["S"] for page in pages for item in page["Items"]}


def observe(pack: str) -> dict[str, str]:
    """The state of each account as AWS Config has it: what is compared, in one string."""
    pages = STATUSES.paginate(OrganizationConformancePackName=pack)
    return {
        row["AccountId"]: f"{row['Status']} {row.get('ErrorCode', '')} "
        f"{row.get('LastUpdateTime', '') if row['Status'].endswith('FAILED') else ''}"
        for page in pages
        for row in page["OrganizationConformancePackDetailedStatuses"]
    }


def watch(pack: str) -> list[dict]:
    """Compares a pack with what was last seen, records what changed, and returns it."""
    before, now = last_seen(pack), observe(pack)
    changed = [account for account, state in now.items() if before.get(account) != state]
    left = [account for account in before if account not in now]
    changes = [
        {"Pack": pack, "AccountId": account, "From": before.get(account), "To": now.get(account)}
        for account in changed + left
    ]
    if not changes:
        return []
    with BatchWriter(TABLE, DYNAMODB) as batch:
        for account in changed:
            key = {"pk": {"S": f"rows#{pack}"}, "sk": {"S": account}}
            batch.put_item(Item=key | {"state": {"S": now[account]}})
        for account in left:
            batch.delete_item(Key={"pk": {"S": f"rows#{pack}"}, "sk": {"S": account}})
        if before:
            for change in changes:
                key = {"pk": {"S": f"history#{pack}"}, "sk": {"S": change["AccountId"]}}
                batch.put_item(Item=key | {"change": {"S": json.dumps(change)}})
    return changes if before else [{"Pack": pack, "Baseline": len(now)}]


def publish(changes: list[dict]) -> None:
    """One digest for people, one message per change for machines."""
    SNS.publish(
        TopicArn=ALERTS, Subject=f"{len(changes)} changes", Message=json.dumps(changes)[:LONGEST_MESSAGE]
    )
    events = [change for change in changes if "AccountId" in change]

    def send(start: int) -> None:
        entries = [
            {"Id": str(index), "Message": json.dumps(change)}
            for index, change in enumerate(events[start : start + 10])
        ]
        failed = SNS.publish_batch(TopicArn=EVENTS, PublishBatchRequestEntries=entries).get("Failed")
        if failed:
            raise RuntimeError(failed)

    list(POOL.map(send, range(0, len(events), 10)))


def handler(event, context):
    packs = [
        pack["OrganizationConformancePackName"]
        for page in PACKS.paginate()
        for pack in page["OrganizationConformancePacks"]
    ]
    changes = [change for found in POOL.map(watch, packs) for change in found]
    if changes:
        publish(changes)
    return {"Packs": len(packs), "Changes": len(changes)}
