"""Reads statuses with boto3's paginator: one query a line on stdin, one answer a line on stdout, both JSON."""

import functools
import json
import sys
from datetime import datetime, timezone

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


@functools.cache
def paginator(endpoint, region):
    client = boto3.client(
        "config",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        config=Config(retries={"total_max_attempts": 1}),
    )
    return client.get_paginator("get_organization_conformance_pack_detailed_status")


def answer(query):
    pages = paginator(query.pop("Endpoint"), query.pop("Region")).paginate(**query)
    return pages.build_full_result()


def refusal(error):
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else None
    return {"Class": type(error).__name__, "Code": code, "Message": str(error)}


def encode(value):
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat()
    raise TypeError(f"unexpected {type(value)}")


for line in sys.stdin:
    try:
        result = answer(json.loads(line))
    except Exception as error:  # Whatever boto3 raises is what the test wants to see.
        result = refusal(error)
    print(json.dumps(result, default=encode), flush=True)
