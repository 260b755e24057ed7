"""The policies against the calls that the code makes, none missing, none more: the function's in template.yaml, and the
one of `packwatch doctor` in docs.

Which calls there are is what botocore's models of the services say; which of them the code makes is what src/aws
says. Run by `make test`.
"""

import json
import re
import unittest
from pathlib import Path

import botocore.session
import yaml
from botocore import xform_name

PROJECT = Path(__file__).resolve().parent.parent
CODE = "\n".join(file.read_text() for file in sorted((PROJECT / "src/aws").glob("*.rs")))
DOCTOR = "\n".join(file.read_text() for file in sorted((PROJECT / "src/aws/inspector").glob("*.rs")))
SERVICES = ("config", "dynamodb", "sns", "sts", "organizations", "kms", "logs")

# Calls without an action of their own: IAM asks for these instead.
ACTIONS = {
    "sns:PublishBatch": {"sns:Publish"},
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

# What Lambda does with an event that failed.
DELIVERY = {"sqs:SendMessage"}

# Anybody may ask who they are, and reading the heads is the store's, not src/aws/inspector's.
WITHOUT_PERMISSION = {"sts:GetCallerIdentity"}
OF_THE_STORE = {"dynamodb:Query"}
# Lambda decrypts a function's variables with the rights of whoever asks for them: docs/strict-accounts.md has that.
FOR_THE_CALLER = {"kms:Decrypt"}


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


def operations_called(code: str = CODE) -> set[str]:
    """`service:Operation` for each call in the code. A call of a client has no arguments: they follow it."""
    session = botocore.session.get_session()
    called = set()
    for service in SERVICES:
        if f"aws_sdk_{service}" in code:
            names = session.get_service_model(service).operation_names
            called |= {f"{service}:{name}" for name in names if re.search(rf"\.{xform_name(name)}\(\)", code)}
    return called


RESOURCES = yaml.load((PROJECT / "template.yaml").read_text(), Loader)["Resources"]


def operations_signed(code: str) -> set[str]:
    """`service:Operation` for each call without a client: these name their action where they are made."""
    return set(re.findall(r'\.call\(&\w+, "(\w+:\w+)"', code))


def actions(statements: list[dict]) -> set[str]:
    return {
        action
        for statement in statements
        if statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
    }


def statements(policies: list[dict]) -> list[dict]:
    documents = [policy.get("PolicyDocument", policy) for policy in policies if isinstance(policy, dict)]
    return [statement for document in documents for statement in listed(document["Statement"])]


def always() -> list[dict]:
    """The statements of the function's role."""
    function = RESOURCES["PackwatchFunction"]["Properties"]
    role = RESOURCES[function["Role"].split(".")[0]]["Properties"]
    return statements(role["Policies"])


def on_condition(role: str, condition: str) -> list[dict]:
    """The statements that a role has under a condition only: !If is read as its arguments."""
    choices = [policy for policy in RESOURCES[role]["Properties"]["Policies"] if isinstance(policy, list)]
    return statements([policy for name, policy, _nothing in choices if name == condition])


class Permissions(unittest.TestCase):
    def test_the_calls_of_the_code_are_found(self):
        expected = {
            "config:DescribeOrganizationConformancePacks",
            "dynamodb:TransactWriteItems",
            "sns:PublishBatch",
        }
        self.assertLessEqual(expected, operations_called())

    def test_the_policy_grants_every_call_and_no_more(self):
        needed = set().union(*(ACTIONS.get(call, {call}) for call in operations_called()))
        self.assertEqual(actions(always()) - AROUND - DELIVERY, needed)

    def test_the_function_sends_to_the_queue_of_failed_events_only(self):
        sending = [statement for statement in always() if "sqs" in str(statement["Action"])]
        self.assertEqual([statement["Resource"] for statement in sending], ["FailedEvents.Arn"])

    def test_a_key_of_yours_is_the_only_one_that_may_be_used(self):
        for role, needed in (
            ("FunctionRole", {"kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"}),
            ("ScheduleRole", {"kms:Decrypt", "kms:GenerateDataKey"}),
        ):
            granted = on_condition(role, "HasKey")
            self.assertEqual(actions(granted), needed)
            self.assertEqual({statement["Resource"] for statement in granted}, {"KeyArn"})

    def test_a_vpc_brings_network_interfaces_and_nothing_else(self):
        needed = {
            "AssignPrivateIpAddresses",
            "CreateNetworkInterface",
            "DeleteNetworkInterface",
            "DescribeNetworkInterfaces",
            "DescribeSubnets",
            "UnassignPrivateIpAddresses",
        }
        self.assertEqual(
            actions(on_condition("FunctionRole", "HasNetwork")), {f"ec2:{name}" for name in needed}
        )

    def test_nothing_is_granted_by_a_wildcard(self):
        self.assertEqual([action for action in actions(always()) if "*" in action], [])

    def test_the_doctor_asks_for_what_its_calls_need_and_no_more(self):
        statements = json.loads((PROJECT / "docs/doctor-policy.json").read_text())["Statement"]
        granted = {action for statement in statements for action in statement["Action"]}
        signed = operations_signed(DOCTOR)
        self.assertEqual({action.split(":")[0] for action in signed}, {"cloudwatch", "lambda", "scheduler"})
        self.assertEqual(granted, (operations_called(DOCTOR) | signed | OF_THE_STORE) - WITHOUT_PERMISSION)

    def test_the_doctor_names_actions_that_there_are(self):
        """What it tells a caller to ask for is what it calls, and AWS has it."""
        named = set(re.findall(r'"([a-z]+:[A-Z]\w+)"', DOCTOR))
        called = operations_called(DOCTOR) | operations_signed(DOCTOR)
        self.assertEqual(named, called | OF_THE_STORE | FOR_THE_CALLER)
        session = botocore.session.get_session()
        for action in named:
            service, operation = action.split(":")
            self.assertIn(operation, session.get_service_model(service).operation_names)


if __name__ == "__main__":
    unittest.main()
