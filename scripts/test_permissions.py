"""Who may do what to a deployment: the policies of template.yaml and of `packwatch doctor`, judged by a simulator of IAM.

Which calls the function makes is what the tests recorded of it; which actions there are is what the simulator knows.
Run by `make test`.
"""

import json
import re
import unittest
from typing import ClassVar

import aws_models
import iam
import recorded
from calls import CODE, DOCTOR, calls
from iam import Question, simulated
from modes import MODES, Mode, assumed, key_policy
from recorded import Request
from stack import ACCOUNT
from templates import PROJECT

SERVICES = [
    "cloudwatch",
    "config",
    "dynamodb",
    "ec2",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "organizations",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "sts",
    "xray",
]

# Reading the heads is the store's, not src/aws/inspector's.
OF_THE_STORE = {"dynamodb:Query"}


@simulated
@recorded.is_there
class Function(unittest.TestCase):
    """Each call of the function, in each mode, on what is its own and on what is not."""

    ALL: ClassVar = [f"{service}:*" for service in SERVICES]

    @classmethod
    def setUpClass(cls):
        cls.calls = [call for each, call, _ in recorded.all_checked() if call and is_functions(each)]

    def ask(self, mode: Mode, arn: str) -> Question:
        # AWS Config is asked in each region that is watched.
        region = arn.split(":")[3] if arn != "*" else ""
        context = {"aws:RequestedRegion": region or mode.region}
        services = [f"{arn.split(':')[2]}:*"] if arn != "*" else self.ALL
        # That the function may use the account's key is what the key's policy leaves to the roles' policies.
        policy = key_policy(mode) if arn == mode.key else None
        role = assumed("packwatch-FunctionRole")
        owner = ACCOUNT if arn == "*" or ":organizations:" in arn or ":network-interface/" in arn else ""
        return Question(
            services, arn, role.replace("aws", mode.partition, 1), mode.policies, policy, context, owner
        )

    def test_the_function_may_do_what_it_does_and_nothing_else(self):
        self.assertGreater(len(self.calls), 100)
        asked: list[tuple[str, set[str], Question]] = []
        for name, given in MODES.items():
            mode = Mode(given)
            wanted = mode.wanted(self.calls)
            asked += [(name, actions, self.ask(mode, arn)) for arn, actions in wanted.items()]
            asked += [(name, set(), self.ask(mode, arn)) for arn in sorted(mode.neighbours(wanted))]
        answers = iam.allowed([question for *_, question in asked])
        for (name, wanted, question), answer in zip(asked, answers, strict=True):
            self.assertEqual(answer, wanted, f"{name}: {question.resource}")
        granted = sum(map(len, answers))
        none = sum(not wanted for _, wanted, _ in asked)
        print(
            f"\n{len(asked)} resources in {len(MODES)} modes simulated: {granted} actions allowed, none of {none} neighbours"
        )

    def test_a_region_that_is_not_watched_is_not_asked(self):
        mode = Mode(MODES["with other regions"])
        elsewhere = {"aws:RequestedRegion": "eu-central-1"}
        pack = f"arn:aws:config:eu-central-1:{ACCOUNT}:organization-conformance-pack/P-1"
        role = assumed("packwatch-FunctionRole")
        questions = [
            Question(["config:*"], arn, role, mode.policies, None, elsewhere, ACCOUNT) for arn in ("*", pack)
        ]
        self.assertEqual(iam.allowed(questions), [set(), set()])


def is_functions(request: Request) -> bool:
    return "exec-env/AWS_Lambda" in request.headers.get("user-agent", "")


@simulated
class Doctor(unittest.TestCase):
    def test_its_policy_allows_what_its_calls_need_and_nothing_else(self):
        policy = json.loads((PROJECT / "docs/doctor-policy.json").read_text())
        wanted = (calls(DOCTOR) | OF_THE_STORE) - iam.FOR_EVERYBODY
        role = assumed("Admin")
        resources = {
            "dynamodb": f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/packwatch",
            "lambda": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:packwatch",
            "scheduler": f"arn:aws:scheduler:eu-west-1:{ACCOUNT}:schedule/default/packwatch",
            "sns": f"arn:aws:sns:eu-west-1:{ACCOUNT}:alerts",
        }
        asked = [Question([f"{of}:*"], arn, role, [policy]) for of, arn in resources.items()]
        asked += [Question([f"{of}:*" for of in SERVICES], "*", role, [policy], owner=ACCOUNT)]
        self.assertEqual(set().union(*iam.allowed(asked)), wanted)


class Named(unittest.TestCase):
    def test_the_calls_of_the_code_are_found(self):
        expected = {
            "config:DescribeOrganizationConformancePacks",
            "dynamodb:TransactWriteItems",
            "sns:PublishBatch",
        }
        self.assertLessEqual(expected, calls(CODE))

    def test_the_doctor_names_actions_that_there_are(self):
        """What it tells a caller to ask for is what it calls, and AWS has it."""
        named = set(re.findall(r'"([a-z]+:[A-Z]\w+)"', DOCTOR))
        self.assertEqual(named, calls(DOCTOR) | OF_THE_STORE)
        for action in named:
            aws_models.operation(action)


if __name__ == "__main__":
    unittest.main()
