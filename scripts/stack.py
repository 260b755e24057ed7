"""template.yaml as CloudFormation would make a stack of it: translated by SAM's own translator, then with the values of
its parameters put in. What it resolves to are the properties that CloudFormation hands to the services.
"""

import copy
import functools
import os
import re

import cfnlint.decode
from samtranslator.translator.transform import transform

from templates import PROJECT

ACCOUNT = "111122223333"
NAME = "packwatch"
NO_VALUE = object()

# The name of a resource, where it is no ARN's last part, and what Ref and GetAtt say.
ARNS = {
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::CloudWatch::Alarm": "cloudwatch:{region}:{account}:alarm:{name}",
    "AWS::Scheduler::Schedule": "scheduler:{region}:{account}:schedule/default/{name}",
}
REF_IS_ARN = ("AWS::SNS::Topic",)


@functools.cache
def _translated() -> dict:
    template, problems = cfnlint.decode.decode(str(PROJECT / "template.yaml"))
    if problems:
        raise ValueError(problems)
    # `sam package` would say where the code is.
    template["Resources"]["PackwatchFunction"]["Properties"]["CodeUri"] = "s3://bucket/packwatch.zip"
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    # No policy of AWS's own is named, so no list of them is needed.
    return transform(template, {}, None)


def translated() -> dict:
    return copy.deepcopy(_translated())


class Refused(Exception):
    """CloudFormation does not take a parameter's value."""


class Stack:
    """A stack of the template: `resources` is what there is, and `properties` says what of."""

    def __init__(self, region: str = "eu-west-1", account: str = ACCOUNT, **given: str):
        self.template = translated()
        declared = self.template["Parameters"]
        if unknown := given.keys() - declared.keys():
            raise Refused(f"no parameters {unknown}")
        self.parameters = {name: value(name, of, given) for name, of in declared.items()}
        partition = (
            "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
        )
        self.place = {"partition": partition, "region": region, "account": account}
        self.parameters |= {
            "AWS::AccountId": account,
            "AWS::NoValue": NO_VALUE,
            "AWS::Partition": partition,
            "AWS::Region": region,
            "AWS::StackName": NAME,
        }
        self.resources = {
            name: {"Type": each["Type"], "Properties": self.resolved(each["Properties"])}
            for name, each in self.template["Resources"].items()
            if "Condition" not in each or self.holds(each["Condition"])
        }
        self.outputs = {name: self.resolved(each["Value"]) for name, each in self.template["Outputs"].items()}

    def properties(self, name: str) -> dict:
        return self.resources[name]["Properties"]

    def holds(self, condition: str) -> bool:
        return self.truth(self.template["Conditions"][condition])

    def truth(self, of: dict) -> bool:
        ((function, argument),) = of.items()
        if function == "Fn::Not":
            return not self.truth(argument[0])
        if function != "Fn::Equals":
            raise NotImplementedError(function)
        left, right = (self.resolved(each) for each in argument)
        return str(left) == str(right)

    def resolved(self, node: object) -> object:
        if isinstance(node, list):
            return [each for each in map(self.resolved, node) if each is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((function, argument),) = node.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self.called(function, argument)
        found = {name: self.resolved(each) for name, each in node.items()}
        return {name: each for name, each in found.items() if each is not NO_VALUE}

    def called(self, function: str, argument: object) -> object:
        match function:
            case "Ref":
                return self.parameters[argument] if argument in self.parameters else self.reference(argument)
            case "Fn::GetAtt":
                return self.attribute(*(argument.split(".", 1) if isinstance(argument, str) else argument))
            case "Fn::If":
                return self.resolved(argument[1] if self.holds(argument[0]) else argument[2])
            case "Fn::Join":
                return argument[0].join(map(str, self.resolved(argument[1])))
            case "Fn::FindInMap":
                name, first, second = map(self.resolved, argument)
                return self.template["Mappings"][name][str(first)][second]
            case "Fn::Sub":
                text, names = (argument, {}) if isinstance(argument, str) else argument
                return re.sub(r"\$\{([^!}]+)\}", lambda found: str(self.named(found[1], names)), text)
        raise NotImplementedError(function)

    def named(self, name: str, names: dict) -> object:
        if name in names:
            return self.resolved(names[name])
        return self.attribute(*name.split(".", 1)) if "." in name else self.called("Ref", name)

    def arn(self, name: str) -> str:
        kind = self.template["Resources"][name]["Type"]
        own = self.physical(name)
        return f"arn:{self.place['partition']}:" + ARNS[kind].format(**self.place, name=own)

    def physical(self, name: str) -> str:
        """What a resource is called: what the template says, or what CloudFormation makes up."""
        told = self.template["Resources"][name]["Properties"]
        if told.get("LogGroupName"):
            return self.resolved(told["LogGroupName"])
        return f"{NAME}-{name}-1ABCDEFGHIJKL"

    def reference(self, name: str) -> str:
        kind = self.template["Resources"][name]["Type"]
        return self.arn(name) if kind in REF_IS_ARN else self.physical(name)

    def attribute(self, name: str, of: str) -> str:
        return self.arn(name) if of == "Arn" else self.physical(name)


def value(name: str, declared: dict, given: dict[str, str]) -> str | int | list[str]:
    """The value of a parameter, if CloudFormation takes it."""
    text = str(given.get(name, declared["Default"]))
    is_list = declared["Type"] == "CommaDelimitedList"
    each = [part.strip() for part in text.split(",")] if is_list else [text]
    allowed = [str(one) for one in declared.get("AllowedValues", [])]
    pattern = declared.get("AllowedPattern", ".*")
    fits = all(re.fullmatch(pattern, part) and (not allowed or part in allowed) for part in each)
    fits = fits and len(text) <= int(declared.get("MaxLength", len(text)))
    if declared["Type"] == "Number":
        fits = fits and float(declared.get("MinValue", text)) <= float(text) <= float(
            declared.get("MaxValue", text)
        )
    if not fits:
        raise Refused(f"{name}: {text}")
    if declared["Type"] == "Number":
        return int(text)
    return each if is_list else text
