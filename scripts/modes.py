"""Stacks of the template with which permissions are tested, and what the function needs in each."""

import json
import re

from calls import needed
from recorded import Call
from stack import ACCOUNT, Stack
from templates import PROJECT

OTHER = "444455556666"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/0a1b2c3d-0000-4000-9000-000000000000"
MODES: dict[str, dict] = {
    "as it comes": {},
    "with a key of yours": {"KeyArn": KEY},
    "in subnets": {"SubnetIds": "subnet-0a", "SecurityGroupIds": "sg-0a"},
    "with other regions": {"Regions": "eu-west-1,us-east-1"},
    "for an organization": {"OrganizationId": "o-a1b2c3d4e5"},
    "in China": {"region": "cn-north-1"},
    "in GovCloud": {"region": "us-gov-west-1"},
}
NETWORK = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}


def documents(role: dict) -> list[dict]:
    return [policy["PolicyDocument"] for policy in role["Policies"]]


def assumed(role: str) -> str:
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/packwatch"


class Mode:
    """A stack of the template, and what the function does in it."""

    def __init__(self, given: dict):
        self.stack = stack = Stack(**given)
        self.partition, self.region = stack.place["partition"], stack.place["region"]
        self.policies = documents(stack.properties("FunctionRole"))
        self.key = given.get("KeyArn") or stack.arn("TopicKey")
        self.watched = given.get("Regions", self.region).split(",")
        self.log_stream = stack.arn("LogGroup").removesuffix("*") + "log-stream:2026"
        self.has_network, self.has_key = "SubnetIds" in given, "KeyArn" in given

    def arn(self, rest: str) -> str:
        return f"arn:{self.partition}:{rest}"

    def targets(self, call: Call) -> list[str]:
        """The resources that a recorded call was about, as they are called in this stack."""
        if call.name.startswith("dynamodb:"):
            return [self.stack.arn("Table")]
        if call.name.startswith("sns:"):
            topic = call.params["TopicArn"]
            return [self.stack.arn("EventsTopic" if topic.endswith("events") else "AlertsTopic")]
        if call.name == "organizations:DescribeAccount":
            return [self.arn(f"organizations::{OTHER}:account/o-a1b2c3d4e5/{OTHER}")]
        if call.name == "config:GetOrganizationConformancePackDetailedStatus":
            pack = f"{ACCOUNT}:organization-conformance-pack/P-abcd1234"
            return [self.arn(f"config:{region}:{pack}") for region in self.watched]
        return ["*"]

    def wanted(self, calls: list[Call]) -> dict[str, set[str]]:
        """The actions that the function needs, for each resource: its own calls, and what AWS does in its name."""
        queue = self.stack.arn("FailedEvents")
        wanted = {
            queue: {"sqs:SendMessage"},
            self.log_stream: {"logs:CreateLogStream", "logs:PutLogEvents"},
            self.key: {"kms:Decrypt", "kms:GenerateDataKey"},
            "*": {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
        }
        if self.has_key:
            # DynamoDB uses the key of the table in the name of whoever calls.
            wanted[self.key] |= {"kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
        if self.has_network:
            wanted["*"] |= {"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"}
            face = self.arn(f"ec2:{self.region}:{ACCOUNT}:network-interface/eni-0a")
            wanted[face] = NETWORK - wanted["*"]
        for call in calls:
            for target in self.targets(call):
                wanted.setdefault(target, set()).update(needed(call))
        return wanted

    def neighbours(self, wanted: dict[str, set[str]]) -> set[str]:
        """What is called nearly as the function's own, and is not its own."""
        named = {arn for arn in wanted if arn != "*" and "eni-" not in arn and ":organizations:" not in arn}
        moved = {arn.replace(f":{self.region}:", ":ap-south-1:") for arn in named}
        foreign = {arn.replace(f":{ACCOUNT}:", f":{OTHER}:") for arn in named}
        beside = {
            re.sub(r"(packwatch|key/)", r"\1-two-", arn, count=1) for arn in named if ":config:" not in arn
        }
        return (moved | foreign | beside) - named


def key_policy(mode: Mode) -> dict:
    if not mode.has_key:
        return mode.stack.properties("TopicKey")["KeyPolicy"]
    page = (PROJECT / "docs/strict-accounts.md").read_text()
    (documented,) = re.findall(r"```json\n(\[.*?\])\n```", page, re.DOTALL)
    account = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    statements = json.loads(documented.replace("REGION", mode.region))
    return {"Version": "2012-10-17", "Statement": [account, *statements]}
