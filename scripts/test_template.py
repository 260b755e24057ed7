"""What template.yaml and those for chats in deploy promise for every partition, for a second region, and for strict accounts.

Run by `make test`. That CloudFormation takes them in each partition is `make lint`'s to check (cfn-lint --regions).
"""

import json
import re
import unittest
from typing import ClassVar

import templates
from templates import PROJECT

TEMPLATE = templates.load("template.yaml")
CHATS = {name: templates.load(f"deploy/{name}.yaml") for name in ("slack", "teams")}
RESOURCES = TEMPLATE["Resources"] | CHATS["slack"]["Resources"] | CHATS["teams"]["Resources"]

KEY = {"If": ["HasKey", {"Ref": "KeyArn"}, {"Ref": "AWS::NoValue"}]}
KEY_OR_OWN = {"If": ["HasKey", {"Ref": "KeyArn"}, {"GetAtt": "TopicKey.Arn"}]}
# Where each type takes its key.
KEY_OF = {
    "AWS::DynamoDB::Table": ("SSESpecification", "KMSMasterKeyId"),
    "AWS::Logs::LogGroup": ("KmsKeyId",),
    "AWS::Scheduler::Schedule": ("KmsKeyArn",),
    "AWS::Serverless::Function": ("KmsKeyArn",),
    "AWS::SNS::Topic": ("KmsMasterKeyId",),
    "AWS::SQS::Queue": ("KmsMasterKeyId",),
}


def of_type(kind: str) -> dict[str, dict]:
    return {name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] == kind}


class Partitions(unittest.TestCase):
    def test_the_template_names_no_type_that_a_partition_lacks(self):
        """CloudFormation refuses an unknown type even where its condition is false."""
        self.assertEqual(
            [n for n, each in TEMPLATE["Resources"].items() if each["Type"].startswith("AWS::Chatbot")], []
        )

    def test_no_partition_is_written_into_an_arn(self):
        for match in re.findall(r"arn:[^\s\"']+", (PROJECT / "template.yaml").read_text()):
            self.assertRegex(match, r"^arn:(\$\{AWS::Partition\}|\[-a-z\]\+):", match)

    def test_regions_of_every_partition_may_be_watched(self):
        pattern = TEMPLATE["Parameters"]["Regions"]["AllowedPattern"]
        for region in ("eu-west-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-isob-east-1"):
            self.assertRegex(region, pattern)


class SecondRegion(unittest.TestCase):
    def test_names_that_an_account_has_once_hold_the_region(self):
        wanted = {"Sub": "${AWS::StackName}-${AWS::Region}"}
        self.assertEqual(RESOURCES["Dashboard"]["Properties"]["DashboardName"], wanted)
        for channel in ("SlackChannel", "TeamsChannel"):
            self.assertEqual(RESOURCES[channel]["Properties"]["ConfigurationName"], wanted)

    def test_roles_and_policies_get_their_names_from_cloudformation(self):
        for kind, name in (("AWS::IAM::Role", "RoleName"), ("AWS::IAM::ManagedPolicy", "ManagedPolicyName")):
            self.assertEqual([n for n, properties in of_type(kind).items() if name in properties], [])


class StrictAccounts(unittest.TestCase):
    def test_every_role_has_the_boundary(self):
        wanted = {"If": ["HasBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]}
        roles = of_type("AWS::IAM::Role")
        self.assertGreaterEqual(len(roles), 4)
        for name, role in roles.items():
            self.assertEqual(role["PermissionsBoundary"], wanted, name)

    def test_everything_that_is_stored_or_sent_takes_the_key(self):
        for kind, path in KEY_OF.items():
            for name, properties in of_type(kind).items():
                for key in path:
                    properties = properties[key]
                self.assertIn(properties, (KEY, KEY_OR_OWN), name)

    def test_the_key_of_its_own_is_not_made_beside_it(self):
        for name in ("TopicKey", "TopicKeyAlias"):
            self.assertEqual(RESOURCES[name]["Condition"], "HasOwnKey")


class Topics(unittest.TestCase):
    """The other statements of the policies are simulated: scripts/test_resource_policies.py."""

    def test_an_organization_subscribes_queues_and_functions_only(self):
        """Any principal of it may subscribe: an address or a URL would take the messages out of the organization."""
        statements = RESOURCES["EventsTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        statements = [each["If"][1] if "If" in each else each for each in statements]
        [allowed] = [each for each in statements if each["Effect"] == "Allow"]
        self.assertEqual(allowed["Action"], "sns:Subscribe")
        self.assertEqual(
            allowed["Condition"],
            {
                "StringEquals": {
                    "aws:PrincipalOrgID": {"Ref": "OrganizationId"},
                    "sns:Protocol": ["sqs", "lambda"],
                }
            },
        )


class Chats(unittest.TestCase):
    def test_a_channel_reads_the_topics_and_may_do_nothing(self):
        for name, channel in (("slack", "SlackChannel"), ("teams", "TeamsChannel")):
            template = CHATS[name]
            properties = template["Resources"][channel]["Properties"]
            self.assertEqual(properties["SnsTopicArns"], {"Ref": "AlertsTopicArns"})
            denied = [{"Sub": "arn:${AWS::Partition}:iam::aws:policy/AWSDenyAll"}]
            self.assertEqual(properties["GuardrailPolicies"], denied)
            [role] = [each for each in template["Resources"].values() if each["Type"] == "AWS::IAM::Role"]
            self.assertLessEqual({"Policies", "ManagedPolicyArns"} & role["Properties"].keys(), set())

    def test_ids_are_taken_as_the_console_and_the_link_have_them(self):
        ids = {
            "TeamsTenantId": "01234567-89ab-cdef-0123-456789abcdef",
            "TeamId": "01234567-89ab-cdef-0123-456789abcdef",
            "TeamsChannelId": "19%3ab6ef35dc342d56ba5654e6fc6d25a071%40thread.tacv2",
        }
        for name, value in ids.items():
            self.assertRegex(value, CHATS["teams"]["Parameters"][name]["AllowedPattern"])
        self.assertNotRegex(
            "19:abc@thread.tacv2", CHATS["teams"]["Parameters"]["TeamsChannelId"]["AllowedPattern"]
        )


class Alarms(unittest.TestCase):
    def test_a_chat_shows_the_whole_description(self):
        """Amazon Q Developer in chat applications cuts them at 250 characters."""
        alarms = of_type("AWS::CloudWatch::Alarm")
        self.assertEqual(len(alarms), 7)
        for name, alarm in alarms.items():
            self.assertLess(len(alarm["AlarmDescription"]), 250, name)

    def test_all_go_to_the_topic_for_alarms(self):
        here = {"Sub": "arn:${AWS::Partition}:sns:${AWS::Region}:${AlarmTopic}"}
        wanted = [{"If": ["HasAlarmTopic", here, {"Ref": "AlertsTopic"}]}]
        for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
            self.assertEqual(alarm["AlarmActions"], wanted, name)
            self.assertEqual(alarm.get("OKActions", wanted), wanted, name)

    def test_a_topic_of_another_region_is_refused_before_anything_is_made(self):
        """CloudWatch refuses it, but only when the alarms are made. No rule of CloudFormation can look into an ARN."""
        pattern = TEMPLATE["Parameters"]["AlarmTopic"]["AllowedPattern"]
        for topic in ("", "111122223333:oncall", "111122223333:on-call_1"):
            self.assertRegex(topic, pattern)
        for topic in ("arn:aws:sns:us-east-1:111122223333:oncall", "oncall", "us-east-1:111122223333:oncall"):
            self.assertNotRegex(topic, pattern)

    def test_a_full_scan_is_late_after_three_times_its_interval(self):
        mapping = TEMPLATE["Mappings"]["FullScan"]
        self.assertEqual([*mapping], TEMPLATE["Parameters"]["FullScanEvery"]["AllowedValues"])
        for every, late in mapping.items():
            if every != "always":
                seconds = int(every[:-1]) * {"m": 60, "h": 3600}[every[-1]]
                self.assertEqual(late["OverdueSeconds"], 3 * seconds, every)

    def test_those_on_lambdas_metrics_see_the_longest_run(self):
        """The metrics have the time of its begin, and come at its end."""
        for every, interval in TEMPLATE["Mappings"]["Every"].items():
            # With 0 the schedule is off. What people start is counted by the hour.
            self.assertEqual(interval["Seconds"], 60 * (int(every) or 60))
            self.assertGreaterEqual((interval["LatePeriods"] - 1) * interval["Seconds"], 900, every)
        for name in ("ErrorsAlarm", "DurationAlarm"):
            alarm = RESOURCES[name]["Properties"]
            wanted = {"FindInMap": ["Every", {"Ref": "ScheduleMinutes"}, "LatePeriods"]}
            self.assertEqual(alarm["EvaluationPeriods"], wanted, name)
            self.assertEqual(alarm["DatapointsToAlarm"], 1, name)

    def test_nothing_runs_and_silence_is_no_alarm_while_the_schedule_is_off(self):
        """It would stay in ALARM when the schedule is on again, and so tell nobody that nothing runs."""
        self.assertEqual(
            TEMPLATE["Conditions"]["ScheduleOn"], {"Not": [{"Equals": [{"Ref": "ScheduleMinutes"}, "0"]}]}
        )
        self.assertEqual(
            TEMPLATE["Parameters"]["ScheduleMinutes"]["AllowedValues"],
            [int(every) for every in TEMPLATE["Mappings"]["Every"]],
        )
        for name in ("Schedule", "ChangeRecorded"):
            self.assertEqual(
                RESOURCES[name]["Properties"]["State"], {"If": ["ScheduleOn", "ENABLED", "DISABLED"]}
            )
        acts = RESOURCES["NoSuccessfulRunAlarm"]["Properties"]["ActionsEnabled"]
        self.assertEqual(acts, {"If": ["ScheduleOn", True, False]})
        missing = RESOURCES["NoSuccessfulRunAlarm"]["Properties"]["TreatMissingData"]
        self.assertEqual(missing, {"If": ["ScheduleOn", "breaching", "notBreaching"]})

    def test_the_cost_page_counts_what_they_look_at(self):
        """CloudWatch charges for each metric that an alarm looks at."""
        alarms = [each for each in TEMPLATE["Resources"].values() if each["Type"] == "AWS::CloudWatch::Alarm"]
        scanned = [alarm["Properties"].get("Metrics", [{}]) for alarm in alarms]
        metrics = [m for metrics in scanned for m in metrics if "Expression" not in m]
        page = (PROJECT / "docs/cost.md").read_text()
        self.assertIn(f" {len(metrics)} metrics with alarms ", page)


class Metrics(unittest.TestCase):
    """Alarms and dashboard need no metric that is emitted only with PackMetrics."""

    BY_DEFAULT: ClassVar = {"TargetsDeferred", "OldestUndispatched", "OldestFullScan"}

    def test_alarms_scan_what_is_always_emitted(self):
        for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
            queries = [
                each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each
            ]
            for metric in queries or [alarm]:
                if not metric["Namespace"].startswith("AWS/"):
                    self.assertIn(metric["MetricName"], self.BY_DEFAULT, name)

    def test_the_dashboard_draws_the_others_from_the_log(self):
        body, _filled = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Sub"]
        widgets = json.loads(re.sub(r"\$\{[^}]+\}", "1", body))["widgets"]
        drawn = [m for each in widgets for m in each["properties"].get("metrics", []) if m[0] == "packwatch"]
        self.assertEqual({metric[1] for metric in drawn} - self.BY_DEFAULT, set())
        queries = " ".join(each["properties"].get("query", "") for each in widgets)
        for field in ("TargetsDone", "TargetsFailed", "Pages", "Throttles", "Transitions", "Notifications"):
            self.assertIn(f"sum({field})", queries)


class Settings(unittest.TestCase):
    def test_the_longest_list_of_accounts_fits_beside_the_other_settings(self):
        """Lambda takes 4 KB of names and values together."""
        parameter = TEMPLATE["Parameters"]["ExcludeAccounts"]
        accounts = ",".join(["111122223333"] * 200)
        self.assertRegex(accounts, parameter["AllowedPattern"])
        self.assertLessEqual(len(accounts), int(parameter["MaxLength"]))
        env = json.loads((PROJECT / "events/env.json").read_text())["PackwatchFunction"]
        env |= {name: value * 2 for name, value in env.items()}  # longer names than the sample's
        env["PACKWATCH_EXCLUDE_ACCOUNTS"] = "x" * int(parameter["MaxLength"])
        self.assertLess(sum(len(name) + len(value) for name, value in env.items()), 4096)

    def test_people_are_asked_for_what_matters_first(self):
        """`sam deploy --guided` asks in the template's order, the console in that of the groups."""
        parameters = [*TEMPLATE["Parameters"]]
        self.assertEqual(parameters[:4], ["AlertEmail", "Packs", "Regions", "ScheduleMinutes"])
        self.assertLessEqual(len(parameters), 24)
        groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        self.assertEqual([name for group in groups for name in group["Parameters"]], parameters)

    def test_each_parameter_says_what_enter_does(self):
        for name, parameter in TEMPLATE["Parameters"].items():
            self.assertIn("Default", parameter, name)
            self.assertRegex(parameter["Description"], r"\bEnter = .+\.$", name)
            told = parameter["Description"].rpartition("Enter = ")[2].rstrip(".")
            if parameter["Default"] not in ("", "*", "off"):
                self.assertEqual(told, str(parameter["Default"]), name)

    def test_enter_throughout_says_that_nobody_is_subscribed(self):
        parameter = TEMPLATE["Parameters"]["AlertEmail"]
        self.assertEqual(parameter["Default"], "")
        self.assertIn("Enter = nobody is subscribed", parameter["Description"])
        self.assertEqual(RESOURCES["EmailSubscription"]["Condition"], "HasEmail")
        condition, _someone, nobody = TEMPLATE["Outputs"]["Subscribers"]["Value"]["If"]
        self.assertEqual(condition, "HasEmail")
        self.assertTrue(nobody.startswith("nobody is subscribed"))

    def test_a_stack_that_could_not_be_created_leaves_no_table(self):
        kept = {name: each["DeletionPolicy"] for name, each in RESOURCES.items() if "DeletionPolicy" in each}
        self.assertEqual(kept.pop("Table"), "RetainExceptOnCreate")
        self.assertEqual(RESOURCES["Table"]["UpdateReplacePolicy"], "Retain")
        self.assertEqual(set(kept.values()), {"Delete"})

    def test_every_condition_is_used(self):
        text = (PROJECT / "template.yaml").read_text()
        for name in TEMPLATE["Conditions"]:
            self.assertGreaterEqual(len(re.findall(rf"\b{name}\b", text)), 2, name)


if __name__ == "__main__":
    unittest.main()
