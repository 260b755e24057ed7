"""Checks requests to AWS, as they were sent, by botocore alone: their operation, their arguments, their form on the
wire, their signature, and the limits that DynamoDB and SNS put on whole requests.

Nothing here knows packwatch. The requests are what tests/it/world/recorder.rs kept of those that the tests made.
"""

import base64
import functools
import json
import os
import re
import unittest
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import OperationModel, Shape
from botocore.serialize import create_serializer

import aws_models

RECORDING = os.environ.get("PACKWATCH_RECORD_REQUESTS", "")
is_there = unittest.skipUnless(RECORDING, "no requests were recorded: `make test` does")

SERVICES = (
    "config",
    "dynamodb",
    "sns",
    "organizations",
    "sts",
    "lambda",
    "scheduler",
    "kms",
)

# Who sends on purpose what goes beyond a limit: tests/it/stores/limits.rs.
BEYOND = "beyond"

# The credentials of the tests: tests/it/harness/mod.rs, tests/it/stores/contract/mod.rs, tests/it/commands/profiles.rs.
SECRETS = {
    "AKIAIOSFODNN7EXAMPLE": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AKIADEFAULT": "default",
    "AKIAENV": "env",
    "AKIAPROCESS": "process",
    "AKIAPROD": "prod",
    "AKIASHARED": "shared",
    "id": "secret",
    BEYOND: "secret",
}

ITEM_BYTES = 400 * 1024
TRANSACTION_BYTES = 4 * 1024 * 1024
MESSAGE_BYTES = 256 * 1024
ENTRIES = 10
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<headers>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)


class Unfit(Exception):
    """The request is not what any operation of a service takes."""


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Call:
    """A request, understood."""

    name: str
    """`service:Operation`"""
    region: str
    key: str
    params: dict


@functools.cache
def all_checked() -> list[tuple[Request, Call | None, list[str]]]:
    """Every request that was recorded, the call that it is, and what is wrong with it."""
    with Path(RECORDING).open() as lines:
        requests = [Request(**json.loads(line)) for line in lines]
    return [(request, *check(request)) for request in requests]


def check(request: Request) -> tuple[Call | None, list[str]]:
    """The call that a request is, and what is wrong with it."""
    try:
        scope, faults = signed(request)
        name, model, params = parsed(request, scope["service"])
    except Unfit as unfit:
        return None, [str(unfit)]
    faults += aws_models.faults(params, aws_models.arguments(model))
    # What is no argument has no form and no size either.
    faults = faults or on_the_wire(request, model, params) + of_the_whole(name, params)
    return Call(name, scope["region"], scope["key"], params), faults


# --- The signature --------------------------------------------------------------------------------------------------


def signed(request: Request) -> tuple[dict[str, str], list[str]]:
    """The scope of a signature, and what is wrong with it."""
    found = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if not found:
        raise Unfit("no signature")
    scope = found.groupdict()
    if scope["key"] not in SECRETS:
        raise Unfit(f"signed by {scope['key']}, whom no test knows")
    names = scope["headers"].split(";")
    faults = []
    if signature(request, scope) != scope["signature"]:
        faults.append("the signature is not the request's")
    if request.headers.get("x-amz-date", "")[:8] != scope["date"]:
        faults.append("signed for another day")
    needed = {"host", "x-amz-date"} | {name for name in request.headers if name.startswith("x-amz-")}
    if needed - {*names}:
        faults.append(f"not signed: {sorted(needed - {*names})}")
    return scope, faults


def signature(request: Request, scope: dict[str, str]) -> str:
    """botocore's signature of a request."""
    headers = {name: request.headers.get(name, "") for name in scope["headers"].split(";")}
    url = f"http://{request.headers.get('host', '')}{request.path}"
    unsigned = AWSRequest(method=request.method, url=url, data=request.body.encode(), headers=headers)
    unsigned.context["timestamp"] = request.headers.get("x-amz-date", "")
    credentials = Credentials(scope["key"], SECRETS[scope["key"]])
    auth = SigV4Auth(credentials, scope["service"], scope["region"])
    return auth.signature(auth.string_to_sign(unsigned, auth.canonical_request(unsigned)), unsigned)


# --- From the wire to arguments -------------------------------------------------------------------------------------


def parsed(request: Request, signed_for: str) -> tuple[str, OperationModel, dict]:
    """`service:Operation`, its model, and the arguments."""
    try:
        if "x-amz-target" in request.headers:
            return from_target(request, signed_for)
        if request.method == "POST":
            return from_action(request, signed_for)
        return from_path(request, signed_for)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unfit(f"not of the protocol: {error!r}") from error


def known(service: str, operation: str, signed_for: str) -> OperationModel:
    if operation not in aws_models.service(service).operation_names:
        raise Unfit(f"{service} has no operation {operation!r}")
    if aws_models.service(service).signing_name != signed_for:
        raise Unfit(f"{operation} of {service} is signed for {signed_for}")
    return aws_models.operation(f"{service}:{operation}")


def from_target(request: Request, signed_for: str) -> tuple[str, OperationModel, dict]:
    prefix, _, operation = request.headers["x-amz-target"].partition(".")
    models = {name: aws_models.service(name).metadata for name in SERVICES}
    service = next(name for name, model in models.items() if model.get("targetPrefix") == prefix)
    model = known(service, operation, signed_for)
    content = f"application/x-amz-json-{models[service]['jsonVersion']}"
    if request.headers.get("content-type") != content:
        raise Unfit(f"{request.headers.get('content-type')} for {service}")
    return f"{service}:{operation}", model, from_json(json.loads(request.body), aws_models.arguments(model))


def from_action(request: Request, signed_for: str) -> tuple[str, OperationModel, dict]:
    fields = form(request.body)
    operation = fields.pop("Action")
    model = known(signed_for, operation, signed_for)
    if fields.pop("Version") != model.service_model.api_version:
        raise Unfit(f"another version of {signed_for}:{operation}")
    tree: dict = {}
    for name, value in fields.items():
        *way, last = name.split(".")
        functools.reduce(lambda node, part: node.setdefault(part, {}), way, tree)[last] = value
    return f"{signed_for}:{operation}", model, from_form(tree, aws_models.arguments(model))


def from_path(request: Request, signed_for: str) -> tuple[str, OperationModel, dict]:
    path, _, query = request.path.partition("?")
    service = aws_models.service(signed_for)
    for name in service.operation_names:
        model = service.operation_model(name)
        uri = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", model.http["requestUri"])
        found = re.fullmatch(uri, path)
        if found and model.http["method"] == request.method:
            wire = {part: urllib.parse.unquote(text) for part, text in found.groupdict().items()} | form(
                query
            )
            members = aws_models.arguments(model).members
            names = {member.serialization.get("name", name): name for name, member in members.items()}
            params = {
                names.get(part, part): leaf(text, members[names[part]]) if part in names else text
                for part, text in wire.items()
            }
            return f"{signed_for}:{name}", model, params
    raise Unfit(f"{signed_for} has no {request.method} {path}")


def form(text: str) -> dict[str, str]:
    pairs = urllib.parse.parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))
    if len(dict(pairs)) != len(pairs):
        raise Unfit("a field comes twice")
    return dict(pairs)


def from_json(value: object, shape: Shape) -> object:
    """The arguments in a JSON body: a blob is base64, all else is as it is."""
    if shape.type_name == "structure" and isinstance(value, dict):
        of = shape.members
        return {name: from_json(each, of[name]) if name in of else each for name, each in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [from_json(each, shape.member) for each in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {name: from_json(each, shape.value) for name, each in value.items()}
    return base64.b64decode(value, validate=True) if shape.type_name == "blob" else value


def from_form(node: object, shape: Shape) -> object:
    """The arguments in a form of the query protocol, whose names are ways through the shapes."""
    if shape.type_name == "structure":
        names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
        return {
            names.get(part, part): from_form(each, shape.members[names[part]]) if part in names else each
            for part, each in node.items()
        }
    if shape.type_name == "list":
        items = node if shape.serialization.get("flattened") else node["member"]
        return [from_form(items[str(n)], shape.member) for n in range(1, len(items) + 1)]
    if shape.type_name == "map":
        key, value = (each.serialization["name"] for each in (shape.key, shape.value))
        entries = [node["entry"][str(n)] for n in range(1, len(node["entry"]) + 1)]
        return {entry[key]: from_form(entry[value], shape.value) for entry in entries}
    return leaf(node, shape)


def leaf(text: str, shape: Shape) -> object:
    match shape.type_name:
        case "integer" | "long":
            return int(text)
        case "boolean":
            return {"true": True, "false": False}[text]
        case "blob":
            return base64.b64decode(text, validate=True)
    return text


# --- From arguments to the wire -------------------------------------------------------------------------------------


def on_the_wire(request: Request, model: OperationModel, params: dict) -> list[str]:
    """Whether botocore would have sent the same."""
    protocol = "query" if "Action=" in request.body else "json" if request.body else "rest-json"
    sent = create_serializer(protocol).serialize_to_request(params, model)
    if protocol == "rest-json":
        path, _, query = request.path.partition("?")
        same = (sent["url_path"], {k: str(v) for k, v in sent["query_string"].items()}) == (path, form(query))
    elif protocol == "query":
        same = {name: str(value) for name, value in sent["body"].items()} == form(request.body)
    else:
        same = json.loads(sent["body"]) == json.loads(request.body)
    return [] if same and sent["method"] == request.method else [f"botocore sends {str(sent)[:300]}"]


# --- Limits of whole requests ---------------------------------------------------------------------------------------


def of_the_whole(name: str, params: dict) -> list[str]:
    """What the services' documentation limits and their models do not."""
    match name:
        case "dynamodb:PutItem":
            return too_large("the item", item_bytes(params["Item"]), ITEM_BYTES)
        case "dynamodb:TransactWriteItems":
            return of_transaction([*actions(params)])
        case "sns:Publish":
            return too_large("the message", message_bytes(params), MESSAGE_BYTES)
        case "sns:PublishBatch":
            entries = params["PublishBatchRequestEntries"]
            twice = [
                f"the entry {i} comes twice" for i, n in Counter(e["Id"] for e in entries).items() if n > 1
            ]
            twice += [f"{len(entries)} entries, and {ENTRIES} are allowed"] if len(entries) > ENTRIES else []
            return twice + too_large("the batch", sum(map(message_bytes, entries)), MESSAGE_BYTES)
    return []


def too_large(what: str, size: int, limit: int) -> list[str]:
    return [f"{what} has {size:,} bytes, and {limit:,} are allowed"] if size > limit else []


def actions(params: dict) -> Iterator[tuple[str, dict]]:
    """The actions of a transaction: the name and the arguments of each."""
    return (action for each in params.get("TransactItems", []) for action in each.items())


def of_transaction(all_actions: list[tuple[str, dict]]) -> list[str]:
    items = [(kind, action.get("Item") or action.get("Key", {})) for kind, action in all_actions]
    sizes = [item_bytes(item) for _, item in items]
    faults = too_large("the transaction", sum(sizes), TRANSACTION_BYTES)
    for size in sizes:
        faults += too_large("an item", size, ITEM_BYTES)
    keys = Counter(json.dumps([item.get("pk"), item.get("sk")]) for _, item in items)
    return faults + [f"{key} is written twice" for key, n in keys.items() if n > 1]


def item_bytes(item: dict) -> int:
    return sum(len(name.encode()) + value_bytes(value) for name, value in item.items())


def value_bytes(value: dict) -> int:
    """As DynamoDB counts: texts as UTF-8, a number by its digits, 3 bytes for a list or a map and 1 for each part."""
    ((kind, of),) = value.items()
    match kind:
        case "S":
            return len(of.encode())
        case "B":
            return len(of)
        case "N":
            return len(of) // 2 + 2
        case "M":
            return 3 + item_bytes(of) + len(of)
        case "L":
            return 3 + sum(value_bytes(each) + 1 for each in of)
        case "SS" | "NS" | "BS":
            return sum(len(each) for each in of)
    return 1


def message_bytes(message: dict) -> int:
    attributes = message.get("MessageAttributes", {})
    texts = [message.get("Message", ""), message.get("Subject", "")]
    for name, value in attributes.items():
        texts += [name, value["DataType"], value.get("StringValue", "")]
    return sum(len(text.encode()) for text in texts)
