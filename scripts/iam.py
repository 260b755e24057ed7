"""What IAM allows, as a simulator of its rules says: @cloud-copilot/iam-simulate, which runs on Node.js."""

import json
import shutil
import subprocess
import unittest
from dataclasses import dataclass, field

from templates import PROJECT

NODE = shutil.which("node")
INSTALLED = (PROJECT / "requirements/node_modules/@cloud-copilot/iam-simulate").is_dir()
simulated = unittest.skipUnless(
    NODE and INSTALLED, "IAM is not simulated: there is no Node.js here (Debian: apt install npm)"
)
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

# Anybody may ask who they are, whatever the policies say.
FOR_EVERYBODY = {"sts:GetCallerIdentity"}


@dataclass
class Question:
    """Which of these actions may a principal do to a resource?"""

    actions: list[str]
    """`sns:*` is every action of SNS."""
    resource: str
    principal: str
    policies: list[dict] = field(default_factory=list)
    """Of the principal."""
    resource_policy: dict | None = None
    context: dict[str, str | list[str]] = field(default_factory=dict)
    owner: str = ""
    """The resource's account, where its ARN has none."""

    def asked(self) -> dict:
        owner = self.owner or self.resource.split(":")[4]
        return {
            "actions": self.actions,
            "request": {
                "principal": self.principal,
                "resource": {"resource": self.resource, "accountId": owner},
                "contextVariables": {"aws:SecureTransport": "true"} | self.context,
            },
            "identityPolicies": [{"name": str(n), "policy": each} for n, each in enumerate(self.policies)],
            "serviceControlPolicies": [],
            "resourceControlPolicies": [],
            **({"resourcePolicy": self.resource_policy} if self.resource_policy else {}),
        }


def allowed(questions: list[Question]) -> list[set[str]]:
    """The actions that are allowed, for each question."""
    told = subprocess.run(
        [NODE, PROJECT / "scripts/simulate.mjs"],
        input=json.dumps([question.asked() for question in questions]),
        capture_output=True,
        check=True,
        text=True,
    )
    answers = json.loads(told.stdout)
    for question, answer in zip(questions, answers, strict=True):
        # Of all actions of a service some do not go with the resource; those asked for by name have to.
        wrong = {action: error for action, error in answer["errors"].items() if action in question.actions}
        policies = [error for error in answer["errors"].values() if "olicy" in json.dumps(error)]
        if wrong or policies:
            raise ValueError(f"{question}: {wrong or policies[0]}")
    return [set(answer["allowed"]) - FOR_EVERYBODY for answer in answers]
