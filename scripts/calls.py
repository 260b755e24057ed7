"""The calls of AWS's services that the code makes, as its source says, and the IAM actions that they need."""

import re

from botocore import xform_name

import aws_models
from recorded import Call, actions
from templates import PROJECT

CODE = "\n".join(file.read_text() for file in sorted((PROJECT / "src/aws").glob("*.rs")))
DOCTOR = "\n".join(file.read_text() for file in sorted((PROJECT / "src/aws/inspector").glob("*.rs")))
SERVICES = ("config", "dynamodb", "sns", "sts", "organizations", "kms", "logs")

# What IAM asks for instead of an action that is named as the call.
OF_A_TRANSACTION = {
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Delete": "dynamodb:DeleteItem",
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
}


def calls(code: str) -> set[str]:
    """`service:Operation` for each call in the code."""
    called = set()
    for service in SERVICES:
        if f"aws_sdk_{service}" in code:
            names = aws_models.service(service).operation_names
            # A call of a client has no arguments: they follow it.
            called |= {f"{service}:{name}" for name in names if re.search(rf"\.{xform_name(name)}\(\)", code)}
    # Calls without a client name their action where they are made.
    return called | set(re.findall(r'\.call\(&\w+, "(\w+:\w+)"', code))


def needed(call: Call) -> set[str]:
    """The IAM actions that a call needs."""
    if call.name == "dynamodb:TransactWriteItems":
        return {OF_A_TRANSACTION[kind] for kind, _ in actions(call.params)}
    return {"sns:Publish"} if call.name == "sns:PublishBatch" else {call.name}
