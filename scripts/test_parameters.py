"""The template for all pairs of its parameters' values: translated and resolved, its resources linted, and the calls that
create them held to AWS's own models. And none of it replaces the table or a topic. Run by `make test`.
"""

import copy
import itertools
import json
import unittest
from collections import defaultdict

import covertable
from cfnlint.api import lint
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

import aws_models
import creating
from stack import ACCOUNT, Refused, Stack, translated

REGIONS = {"us-east-1": "aws", "us-gov-west-1": "aws-us-gov", "cn-north-1": "aws-cn"}
ARN = "arn:{partition}"

# Of each parameter its default, its ends, and what makes a difference in the template. Those with a list of allowed
# values have all of them, but for the 22 of LogRetentionDays.
VALUES = {
    "AlertEmail": ["", "team@example.com"],
    "Packs": ["*", "Security-*,!*-Test", "P"],
    "Regions": ["", "{region}", "eu-west-1,us-east-1,ap-southeast-2"],
    "ExcludeAccounts": ["", ACCOUNT, ",".join([ACCOUNT] * 200)],
    "Notify": ["all", "failed,recovered,stuck", ""],
    "StuckAfter": ["2h", "1d12h"],
    "RemindEvery": ["24h", "never"],
    "GroupInterval": ["30m", "0", "2h"],
    "OrganizationId": ["", "o-a1b2c3d4e5"],
    "AlarmTopic": ["", ACCOUNT + ":alarms"],
    "MemorySize": ["512", "128", "10240"],
    "Timeout": ["300", "60", "900"],
    "ReservedConcurrency": ["", "2", "9999"],
    "HistoryDays": ["90", "1", "3650"],
    "LogRetentionDays": ["30", "1", "3653"],
    "KeyArn": ["", ARN + ":kms:{region}:" + ACCOUNT + ":key/0a1b2c3d-0000-4000-9000-000000000000"],
    "PermissionsBoundaryArn": [
        "",
        ARN + ":iam::" + ACCOUNT + ":policy/boundary",
        ARN + ":iam::aws:policy/PowerUserAccess",
    ],
    # Subnets need security groups: both or neither.
    "SubnetIds": ["", "subnet-0a1b2c3d", "subnet-0a1b2c3d,subnet-0a1b2c3e"],
}
TOGETHER = {"SecurityGroupIds": ("SubnetIds", "sg-0a1b2c3d")}
# A name is no parameter's: another one would be another resource.
KEPT = ("Table", "AlertsTopic", "EventsTopic")
# The different forms of a resource have one name, side by side as they are here only.
IGNORED = {"E3019"}


def dimensions() -> dict[str, list[str]]:
    declared = translated()["Parameters"]
    allowed = {
        name: [str(one) for one in of["AllowedValues"]]
        for name, of in declared.items()
        if "AllowedValues" in of
    }
    return {"region": [*REGIONS]} | allowed | VALUES


def stack(row: dict[str, str]) -> Stack:
    given = dict(row)
    region = given.pop("region")
    place = {"region": region, "partition": REGIONS[region]}
    given = {name: value.format(**place) for name, value in given.items()}
    given |= {name: value for name, (of, value) in TOGETHER.items() if given[of]}
    return Stack(region=region, **given)


class Pairs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = covertable.make(dimensions())
        cls.stacks = [stack(row) for row in cls.rows]

    def test_every_parameter_is_varied_and_each_pair_of_values_is_there(self):
        varied = dimensions()
        self.assertEqual({*varied} | {*TOGETHER}, {*translated()["Parameters"], "region"})
        pairs = 0
        for (a, of_a), (b, of_b) in itertools.combinations(varied.items(), 2):
            for pair in itertools.product(of_a, of_b):
                pairs += 1
                self.assertTrue(any((row[a], row[b]) == pair for row in self.rows), (a, b, pair))
        print(f"\n{pairs:,} pairs of {len(varied)} parameters' values in {len(self.rows)} stacks", end="")

    def test_values_beyond_the_ends_are_refused(self):
        for name, value in (
            ("MemorySize", "127"),
            ("Timeout", "901"),
            ("ScheduleMinutes", "3"),
            ("GroupInterval", "soon"),
            ("AlarmTopic", ARN + ":sns:us-east-1:" + ACCOUNT + ":alarms"),
            ("HistoryDays", "3651"),
            ("ExcludeAccounts", ",".join([ACCOUNT] * 201)),
            ("Regions", "eu_west_1"),
            ("ReservedConcurrency", "0"),
        ):
            with self.assertRaises(Refused, msg=name):
                Stack(**{name: value})

    def test_the_calls_that_create_it_are_what_the_services_take(self):
        checked: dict[str, str] = {}
        for each in self.stacks:
            for name, resource in each.resources.items():
                properties = copy.deepcopy(resource["Properties"])
                for operation, arguments in creating.calls(name, resource["Type"], properties):
                    # Patterns of EventBridge Scheduler's know no partition whose name has two hyphens.
                    text = json.dumps(arguments, sort_keys=True).replace("arn:aws-us-gov:", "arn:aws-gov:")
                    if (call := f"{operation} {text}") not in checked:
                        shape = aws_models.arguments(aws_models.operation(operation))
                        self.assertEqual(aws_models.faults(json.loads(text), shape), [], call)
                        checked[call] = operation
        print(
            f"\n{len(checked):,} different calls of {len({*checked.values()})} operations create them", end=""
        )

    def test_cfn_lint_finds_nothing(self):
        """All different resources of a region in one template: so each of them is looked at once."""
        different: dict[str, dict[str, dict]] = defaultdict(dict)
        for row, each in zip(self.rows, self.stacks, strict=True):
            for name, resource in each.resources.items():
                text = json.dumps(resource, sort_keys=True)
                different[row["region"]].setdefault(f"{name} {text}", resource)
        for region, resources in different.items():
            named = {f"{key.split()[0]}{n}": each for n, (key, each) in enumerate(resources.items())}
            template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": named}
            found = lint(json.dumps(template), regions=[region])
            found = [str(each) for each in found if each.rule.id not in IGNORED]
            self.assertEqual(found, [], region)
        print(f"\n{sum(map(len, different.values()))} different resources linted", end="")

    def test_nothing_that_a_parameter_says_replaces_the_table_or_a_topic(self):
        """CloudFormation replaces a resource, and what is in it, when one of these properties changes."""
        for name in KEPT:
            of_it = [each.resources[name] for each in self.stacks]
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", of_it[0]["Type"]).schema
            replacing = schema["createOnlyProperties"] + schema.get("conditionalCreateOnlyProperties", [])
            self.assertGreaterEqual(len(replacing), 2)
            for way in replacing:
                values = {json.dumps(inside(each["Properties"], way.split("/")[2:])) for each in of_it}
                self.assertEqual(len(values), 1, f"{name}: {way} is {values}")
            self.assertNotIn("Condition", translated()["Resources"][name])


def inside(properties: dict, way: list[str]) -> object:
    for part in way:
        if not isinstance(properties, dict) or part not in properties:
            return None
        properties = properties[part]
    return properties


if __name__ == "__main__":
    unittest.main()
