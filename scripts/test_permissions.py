"""The function's policy in template.yaml against the calls that its code makes: none missing, none more.

Which calls there are is what botocore's models of the services say; which of them the code makes is what src/aws
says. Run by `make test`.
"""

import re
import unittest
from pathlib import Path

import botocore.session
import yaml
from botocore import xform_name

PROJECT = Path(__file__).resolve().parent.parent
CODE = "\n".join(file.read_text() for file in sorted((PROJECT / "src/aws").glob("*.rs")))
SERVICES = ("config", "dynamodb", "sns", "sqs", "sts", "organizations", "kms", "logs")

# Calls without an action of their own: IAM asks for these instead.
ACTIONS = {
    "sns:PublishBatch": {"sns:Publish"},
    "sqs:SendMessageBatch": {"sqs:SendMessage"},
    "dynamodb:TransactWriteItems": {
        action
        for action, builder in (
            ("dynamodb:ConditionCheckItem", "ConditionCheck"),
            ("dynamodb:PutItem", "Put"),
            ("dynamodb:UpdateItem", "Update"),
            ("dynamodb:DeleteItem", "Delete"),
        )
        if re.search(rf"\b{builder}::builder\(\)", CODE)
    },
}

# What Lambda does in the function's name, and what publishing to an encrypted topic needs.
AROUND = {
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}

# What Lambda's poller does in the function's name; it may so only where there is something to poll.
POLLING = {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}


class Loader(yaml.SafeLoader):
    """CloudFormation's short forms, such as !Sub, read as their arguments."""


def argument(loader, _suffix, node):
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


Loader.add_multi_constructor("!", argument)


def listed(value) -> list:
    return value if isinstance(value, list) else [value]


def operations_called() -> set[str]:
    """`service:Operation` for each call in the code. A call of a client has no arguments: they follow it."""
    session = botocore.session.get_session()
    called = set()
    for service in SERVICES:
        if f"aws_sdk_{service}" in CODE:
            names = session.get_service_model(service).operation_names
            called |= {f"{service}:{name}" for name in names if re.search(rf"\.{xform_name(name)}\(\)", CODE)}
    return called


RESOURCES = yaml.load((PROJECT / "template.yaml").read_text(), Loader)["Resources"]


def actions(statements: list[dict]) -> set[str]:
    return {action for statement in statements if statement["Effect"] == "Allow" for action in listed(statement["Action"])}


def statements(policies: list[dict]) -> list[dict]:
    documents = [policy.get("PolicyDocument", policy) for policy in policies if isinstance(policy, dict)]
    return [statement for document in documents for statement in listed(document["Statement"])]


def always() -> list[dict]:
    """The statements of the function's role."""
    function = RESOURCES["PackwatchFunction"]["Properties"]
    role = RESOURCES[function["Role"].split(".")[0]]["Properties"]
    return statements(role["Policies"])


def with_fan_out() -> list[dict]:
    """The statements that the role has with FanOut only."""
    policy = RESOURCES["FanOutPolicy"]
    assert policy["Condition"] == "HasFanOut" and policy["Properties"]["Roles"] == ["FunctionRole"]
    return statements([policy["Properties"]])


class Permissions(unittest.TestCase):
    def test_the_calls_of_the_code_are_found(self):
        expected = {"config:DescribeOrganizationConformancePacks", "dynamodb:TransactWriteItems", "sns:PublishBatch"}
        self.assertLessEqual(expected, operations_called())

    def test_the_policy_grants_every_call_and_no_more(self):
        needed = set().union(*(ACTIONS.get(call, {call}) for call in operations_called()))
        granted = actions(always() + with_fan_out())
        self.assertEqual(granted - AROUND - POLLING, needed)

    def test_the_queue_of_targets_is_open_with_fan_out_only(self):
        self.assertEqual(actions(with_fan_out()), POLLING | {"sqs:SendMessage"})
        self.assertEqual({statement["Resource"] for statement in with_fan_out()}, {"Targets.Arn"})
        sending = [statement for statement in always() if "sqs" in str(statement["Action"])]
        self.assertEqual([statement["Resource"] for statement in sending], ["FailedEvents.Arn"])

    def test_nothing_is_granted_by_a_wildcard(self):
        self.assertEqual([action for action in actions(always() + with_fan_out()) if "*" in action], [])


if __name__ == "__main__":
    unittest.main()
