"""The module in deploy/terraform against template.yaml and deploy/slack.yaml: the same parameters, variables, permissions
and alarms.

Neither can be changed alone: each failure names what is missing, and where. What the module lacks on purpose is in
`EXCEPTIONS`, with the reason. Run by `make test`; Terraform itself is not needed.
"""

import re
import unittest
from functools import cache
from pathlib import Path

import hcl2
import yaml

PROJECT = Path(__file__).resolve().parent.parent
MODULE = PROJECT / "deploy/terraform"

# Each resource of template.yaml and the one of the module that stands for it.
RESOURCES = {
    "AccountChanged": "aws_cloudwatch_event_rule.account_changed",
    "AccountChangedPermission": "aws_lambda_permission.account_changed",
    "AlertsTopic": "aws_sns_topic.alerts",
    "AlertsTopicPolicy": "aws_sns_topic_policy.alerts",
    "Dashboard": "aws_cloudwatch_dashboard.packwatch",
    "DurationAlarm": "aws_cloudwatch_metric_alarm.duration",
    "EmailSubscription": "aws_sns_topic_subscription.email",
    "ErrorsAlarm": "aws_cloudwatch_metric_alarm.errors",
    "EventsTopic": "aws_sns_topic.events",
    "EventsTopicPolicy": "aws_sns_topic_policy.events",
    "FailedEvents": "aws_sqs_queue.failed_events",
    "FailedEventsAlarm": "aws_cloudwatch_metric_alarm.failed_events",
    "FailedEventsPolicy": "aws_sqs_queue_policy.failed_events",
    "FanOutPolicy": "aws_iam_role_policy.fan_out",
    "FunctionRole": "aws_iam_role.function",
    "LogGroup": "aws_cloudwatch_log_group.function",
    "NoSuccessfulRunAlarm": "aws_cloudwatch_metric_alarm.no_successful_run",
    "PackChanged": "aws_cloudwatch_event_rule.pack_changed",
    "PackChangedPermission": "aws_lambda_permission.pack_changed",
    "PacksWaitingAlarm": "aws_cloudwatch_metric_alarm.packs_waiting",
    "PackwatchFunction": "aws_lambda_function.packwatch",
    "Schedule": "aws_scheduler_schedule.look",
    "ScheduleRole": "aws_iam_role.schedule",
    "SlackChannel": "aws_chatbot_slack_channel_configuration.slack",
    "SlackRole": "aws_iam_role.slack",
    "Table": "aws_dynamodb_table.state",
    "TakeTargets": "aws_lambda_event_source_mapping.targets",
    "Targets": "aws_sqs_queue.targets",
    "TargetsFailedAlarm": "aws_cloudwatch_metric_alarm.targets_failed",
    "TargetsPolicy": "aws_sqs_queue_policy.targets",
    "TargetsWaitAlarm": "aws_cloudwatch_metric_alarm.targets_wait",
    "TopicKey": "aws_kms_key.topics",
    "TopicKeyAlias": "aws_kms_alias.topics",
    "UnfinishedTargets": "aws_sqs_queue.unfinished_targets",
    "UnfinishedTargetsAlarm": "aws_cloudwatch_metric_alarm.unfinished_targets",
    "UnfinishedTargetsPolicy": "aws_sqs_queue_policy.unfinished_targets",
    "UnannouncedAlarm": "aws_cloudwatch_metric_alarm.unannounced",
    "WholeLookLateAlarm": "aws_cloudwatch_metric_alarm.whole_look_late",
}

# Names of template.yaml (resources, parameters, outputs) that the module does without, and why.
EXCEPTIONS: dict[str, str] = {
    "AlertsTopicArns": "the module's channel gets its own alerts topic",
    "ConfigurationName": "name and region, as everywhere in the module",
}

# Parameters that a Slack channel cannot do without; the module has none while they are empty.
OF_SLACK = {"SlackChannelId", "SlackWorkspaceId"}

# Limits that are written in another way there.
LIMITS = {
    "ExcludeAccounts": "^[0-9]{12}$",
    "SlackChannelId": "^[A-Za-z0-9]{0,255}$",
    "SlackWorkspaceId": "^[0-9A-Z]{0,255}$",
}

# Variables of the module that are no parameters of the template, since `sam deploy` knows them by itself.
OWN_VARIABLES = {"name", "package", "tags"}

# Each policy of template.yaml: the data source that stands for it.
POLICIES = {
    "AlertsTopicPolicy.PolicyDocument": "alerts_topic",
    "EventsTopicPolicy.PolicyDocument": "events_topic",
    "FailedEventsPolicy.PolicyDocument": "failed_events",
    "FanOutPolicy.PolicyDocument": "fan_out",
    "FunctionRole.AssumeRolePolicyDocument": "function_trust",
    "FunctionRole.Policies": "function",
    "FunctionRole.Policies.HasKey": "table_key",
    "FunctionRole.Policies.HasNetwork": "network",
    "ScheduleRole.AssumeRolePolicyDocument": "schedule_trust",
    "ScheduleRole.Policies": "schedule",
    "ScheduleRole.Policies.HasKey": "schedule_key",
    "SlackRole.AssumeRolePolicyDocument": "slack_trust",
    "TargetsPolicy.PolicyDocument": "targets",
    "TopicKey.KeyPolicy": "topic_key",
    "UnfinishedTargetsPolicy.PolicyDocument": "unfinished_targets",
}

# Other properties that must agree: path in template.yaml (below Resources and Properties), path in the module.
SAME = {
    "AccountChanged.State": "aws_cloudwatch_event_rule.account_changed.state",
    "AccountChangedPermission.Principal": "aws_lambda_permission.account_changed.principal",
    "AlertsTopic.KmsMasterKeyId": "aws_sns_topic.alerts.kms_master_key_id",
    "Dashboard.DashboardName": "aws_cloudwatch_dashboard.packwatch.dashboard_name",
    "EventsTopic.KmsMasterKeyId": "aws_sns_topic.events.kms_master_key_id",
    "FailedEvents.KmsMasterKeyId": "aws_sqs_queue.failed_events.kms_master_key_id",
    "FailedEvents.MessageRetentionPeriod": "aws_sqs_queue.failed_events.message_retention_seconds",
    "FailedEvents.SqsManagedSseEnabled": "aws_sqs_queue.failed_events.sqs_managed_sse_enabled",
    "PackChangedPermission.Principal": "aws_lambda_permission.pack_changed.principal",
    "PackwatchFunction.Description": "aws_lambda_function.packwatch.description",
    "PackwatchFunction.EventInvokeConfig.MaximumRetryAttempts": "aws_lambda_function_event_invoke_config.packwatch.maximum_retry_attempts",
    "FunctionRole.PermissionsBoundary": "aws_iam_role.function.permissions_boundary",
    "LogGroup.KmsKeyId": "aws_cloudwatch_log_group.function.kms_key_id",
    "PackwatchFunction.KmsKeyArn": "aws_lambda_function.packwatch.kms_key_arn",
    "PackwatchFunction.ReservedConcurrentExecutions": "aws_lambda_function.packwatch.reserved_concurrent_executions",
    "PackwatchFunction.Handler": "aws_lambda_function.packwatch.handler",
    "PackwatchFunction.LoggingConfig.LogFormat": "aws_lambda_function.packwatch.logging_config.log_format",
    "PackwatchFunction.LoggingConfig.SystemLogLevel": "aws_lambda_function.packwatch.logging_config.system_log_level",
    "PackwatchFunction.Runtime": "aws_lambda_function.packwatch.runtime",
    "Schedule.KmsKeyArn": "aws_scheduler_schedule.look.kms_key_arn",
    "Schedule.FlexibleTimeWindow.Mode": "aws_scheduler_schedule.look.flexible_time_window.mode",
    "Schedule.Target.RetryPolicy.MaximumRetryAttempts": "aws_scheduler_schedule.look.target.retry_policy.maximum_retry_attempts",
    "ScheduleRole.PermissionsBoundary": "aws_iam_role.schedule.permissions_boundary",
    "SlackChannel.ConfigurationName": "aws_chatbot_slack_channel_configuration.slack.configuration_name",
    "SlackChannel.LoggingLevel": "aws_chatbot_slack_channel_configuration.slack.logging_level",
    "SlackRole.PermissionsBoundary": "aws_iam_role.slack.permissions_boundary",
    "Table.SSESpecification.KMSMasterKeyId": "aws_dynamodb_table.state.server_side_encryption.kms_key_arn",
    "Table.BillingMode": "aws_dynamodb_table.state.billing_mode",
    "Table.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled": "aws_dynamodb_table.state.point_in_time_recovery.enabled",
    "Table.SSESpecification.SSEEnabled": "aws_dynamodb_table.state.server_side_encryption.enabled",
    "Table.TimeToLiveSpecification.AttributeName": "aws_dynamodb_table.state.ttl.attribute_name",
    "Table.TimeToLiveSpecification.Enabled": "aws_dynamodb_table.state.ttl.enabled",
    "TakeTargets.BatchSize": "aws_lambda_event_source_mapping.targets.batch_size",
    "TakeTargets.FunctionResponseTypes": "aws_lambda_event_source_mapping.targets.function_response_types",
    "TakeTargets.MaximumBatchingWindowInSeconds": "aws_lambda_event_source_mapping.targets.maximum_batching_window_in_seconds",
    "TakeTargets.MetricsConfig.Metrics": "aws_lambda_event_source_mapping.targets.metrics_config.metrics",
    "TakeTargets.ScalingConfig.MaximumConcurrency": "aws_lambda_event_source_mapping.targets.scaling_config.maximum_concurrency",
    "Targets.KmsMasterKeyId": "aws_sqs_queue.targets.kms_master_key_id",
    "Targets.MessageRetentionPeriod": "aws_sqs_queue.targets.message_retention_seconds",
    "Targets.SqsManagedSseEnabled": "aws_sqs_queue.targets.sqs_managed_sse_enabled",
    "Targets.VisibilityTimeout": "aws_sqs_queue.targets.visibility_timeout_seconds",
    "TopicKey.EnableKeyRotation": "aws_kms_key.topics.enable_key_rotation",
    "TopicKey.PendingWindowInDays": "aws_kms_key.topics.deletion_window_in_days",
    "UnfinishedTargets.KmsMasterKeyId": "aws_sqs_queue.unfinished_targets.kms_master_key_id",
    "UnfinishedTargets.MessageRetentionPeriod": "aws_sqs_queue.unfinished_targets.message_retention_seconds",
    "UnfinishedTargets.SqsManagedSseEnabled": "aws_sqs_queue.unfinished_targets.sqs_managed_sse_enabled",
}

ALARM = {
    "AlarmDescription": "alarm_description",
    "ComparisonOperator": "comparison_operator",
    "DatapointsToAlarm": "datapoints_to_alarm",
    "EvaluationPeriods": "evaluation_periods",
    "MetricName": "metric_name",
    "Namespace": "namespace",
    "Period": "period",
    "Statistic": "statistic",
    "Threshold": "threshold",
    "TreatMissingData": "treat_missing_data",
}
QUERY = {"Expression": "expression", "Id": "id", "Label": "label", "ReturnData": "return_data"}
METRIC = {"MetricName": "metric_name", "Namespace": "namespace"}
STATISTIC = {"Period": "period", "Stat": "stat"}


# --- Reading both -----------------------------------------------------------------------------------------------------


class Loader(yaml.SafeLoader):
    """CloudFormation's short forms, read as its long ones: !Ref X is {"Ref": "X"}."""


def long_form(loader, name, node):
    if isinstance(node, yaml.ScalarNode):
        argument = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        argument = loader.construct_sequence(node, deep=True)
    else:
        argument = loader.construct_mapping(node, deep=True)
    return {name: argument}


Loader.add_multi_constructor("!", long_form)


@cache
def template() -> dict:
    """Parameters, resources and outputs of both templates."""
    main, slack = (
        yaml.load((PROJECT / name).read_text(), Loader) for name in ("template.yaml", "deploy/slack.yaml")
    )
    for name in slack["Parameters"].keys() & main["Parameters"].keys():
        assert slack["Parameters"][name]["Default"] == main["Parameters"][name]["Default"], name
    return {part: slack[part] | main[part] for part in ("Parameters", "Resources", "Outputs")}


@cache
def module() -> dict[str, dict]:
    """Every block of the module: address, such as aws_kms_key.topics or var.packs → its arguments."""
    options = hcl2.SerializationOptions(strip_string_quotes=True, explicit_blocks=False, with_comments=False)
    found = {}
    for file in sorted(MODULE.glob("*.tf")):
        content = hcl2.loads(file.read_text(), serialization_options=options)
        for kind, prefix in (("variable", "var."), ("output", "output.")):
            found |= {prefix + name: body for block in content.get(kind, []) for name, body in block.items()}
        for kind, prefix in (("resource", ""), ("data", "data.")):
            for block in content.get(kind, []):
                found |= {
                    f"{prefix}{of}.{name}": body
                    for of, named in block.items()
                    for name, body in named.items()
                }
    return found


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def without_exceptions(names) -> set[str]:
    return set(names) - EXCEPTIONS.keys()


def at(tree, path: str):
    """What lies at a dotted path; a block that occurs once is looked through."""
    for name in path.split("."):
        tree = tree[0] if isinstance(tree, list) else tree
        tree = tree[name]
    return tree


def in_template(path: str):
    resource, _, rest = path.partition(".")
    return at(template()["Resources"][resource]["Properties"], rest)


def in_module(path: str):
    kind, name, rest = path.split(".", 2)
    return at(module()[f"{kind}.{name}"], rest)


# --- One way to write a value -----------------------------------------------------------------------------------------
# Both sides become strings in which <Table> is that resource, <ScheduleMinutes> that parameter.

PSEUDO = {
    "local.account": "AWS::AccountId",
    "local.alarm_topic_arn": "AlarmTopicArn, or AlertsTopic",
    "local.customer_key_arn": "KeyArn, or nothing",
    "local.interval_seconds": "ScheduleMinutes in seconds",
    "local.late_periods": "intervals of the longest run",
    "local.key_arn": "KeyArn, or TopicKey",
    "local.partition": "AWS::Partition",
    "local.permissions_boundary": "PermissionsBoundaryArn, or nothing",
    "local.queue_url": "Targets",
    "local.region": "AWS::Region",
    "local.whole_look_late_seconds": "three times WholeEvery in seconds",
}
ADDRESSES = {address: name for name, address in RESOURCES.items()}
# The log group's ARN ends in :* for CloudFormation and not for Terraform.
SPECIAL = {
    "${aws_cloudwatch_log_group.function.arn}:*": "<LogGroup>",
    "${local.watched_regions}": "<Regions, or the region>",
    # What the module's own name is to CloudFormation.
    "${var.name}-${local.region}": "<AWS::StackName>-<AWS::Region>",
    '${var.reserved_concurrency == "" ? -1 : tonumber(var.reserved_concurrency)}': "<ReservedConcurrency, or nothing>",
    '${var.key_arn == "" ? true : null}': "true, or nothing with HasKey",
    '${var.account_events == "on" ? var.schedule_state : "DISABLED"}': "ENABLED with HasAccountEvents, or DISABLED",
    '${var.schedule_state == "ENABLED" ? "breaching" : "notBreaching"}': "breaching with ScheduleOn, or notBreaching",
    # CloudFormation cannot multiply.
    "${var.timeout * 10}": "<Timeout>0",
}


def of_template(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, dict):
        return re.sub(r"\$\{([\w:]+)(?:\.\w+)?\}", r"<\1>", str(value))
    ((name, argument),) = value.items()
    match name, argument:
        case "Ref", _:
            return f"<{argument}>"
        case "GetAtt", _:
            return f"<{argument.split('.')[0]}>"
        case "Sub", str():
            return of_template(argument)
        case "Sub", [str(text), dict(values)]:
            return re.sub(r"\$\{(\w+)\}", lambda found: of_template(values[found[1]]), text)
        case "If", ["HasFanOut", {"Ref": resource}, ""]:
            return f"<{resource}>"
        case "If", [_, {"Ref": parameter}, {"Ref": "AWS::NoValue"}]:
            return f"<{parameter}, or nothing>"
        case "If", ["HasAlarmTopic" | "HasKey", {"Ref": parameter}, {"Ref": own} | {"GetAtt": own}]:
            return f"<{parameter}, or {own.removesuffix('.Arn')}>"
        case "If", [condition, {"Ref": "AWS::NoValue"}, value]:
            return f"{of_template(value)}, or nothing with {condition}"
        case "If", [condition, str(value), str(other)]:
            return f"{value} with {condition}, or {other}"
        case "FindInMap", ["Every", {"Ref": parameter}, "Seconds"]:
            return f"<{parameter} in seconds>"
        case "FindInMap", ["Every", {"Ref": "ScheduleMinutes"}, "LatePeriods"]:
            return "<intervals of the longest run>"
        case "FindInMap", ["WholeLook", {"Ref": "WholeEvery"}, "LateSeconds"]:
            return "<three times WholeEvery in seconds>"
        case "Join", [",", {"Ref": parameter}]:
            return f"<{parameter}>"
        case "If", ["HasRegions", {"Ref": "Regions"}, {"Ref": "AWS::Region"}]:
            return "<Regions, or the region>"
    raise AssertionError(f"scripts/test_terraform.py cannot compare {value}: teach of_template() this form")


def reference(found: re.Match) -> str:
    """One ${…} of the module."""
    expression = re.sub(r'^join\(",", (.+)\)$', r"\1", found[1])
    if expression.startswith("var."):
        names = {snake(name): name for name in template()["Parameters"]}
        return f"<{names.get(expression.removeprefix('var.'), expression)}>"
    address = ".".join(expression.split(".")[:2]).replace("[0]", "")
    return f"<{PSEUDO.get(expression) or ADDRESSES.get(address, expression)}>"


def of_module(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return SPECIAL.get(str(value)) or re.sub(r"\$\{([^{}]+)\}", reference, str(value))


def picked(properties: dict, names: dict[str, str], write, key_of) -> dict[str, str]:
    """The named properties that are set, under the template's names."""
    return {name: write(properties[key_of(name)]) for name in names if key_of(name) in properties}


# --- Policies ---------------------------------------------------------------------------------------------------------


def listed(value) -> list:
    return value if isinstance(value, list) else [value]


def unconditional(entry: dict) -> tuple[str, dict]:
    """A list's entry that may be there on a condition: the condition's name, and the entry."""
    match entry:
        case {"If": [condition, {**content}, {"Ref": "AWS::NoValue"}]}:
            return condition, content
    return "", entry


def statement_of_template(statement: dict) -> dict:
    condition, statement = unconditional(statement)
    return {"Only with": condition} | statement_without_condition(statement)


def statement_without_condition(statement: dict) -> dict:
    principal = statement.get("Principal", {})
    conditions = statement.get("Condition", {}).items()
    return {
        "Effect": statement["Effect"],
        "Action": sorted(
            statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        ),
        "Principal": sorted(
            f"{kind} {of_template(who)}"
            for kind, who in (principal if principal != "*" else {"*": "*"}).items()
        ),
        "Resource": sorted(of_template(resource) for resource in listed(statement.get("Resource", []))),
        "Condition": sorted(
            f"{test} {key} {of_template(value)}"
            for test, tested in conditions
            for key, values in tested.items()
            for value in listed(values)
        ),
    }


# What the module makes on a condition, where the template has one in a policy or on a resource.
COUNTED = {
    '${var.key_arn == "" ? 0 : 1}': ["aws_iam_role_policy.schedule_key", "aws_iam_role_policy.table_key"],
    '${var.key_arn == "" ? 1 : 0}': ["aws_kms_alias.topics", "aws_kms_key.topics"],
    "${length(var.subnet_ids) == 0 ? 0 : 1}": ["aws_iam_role_policy.network"],
    "${local.quick_looks}": ["aws_cloudwatch_metric_alarm.whole_look_late"],
}

# What a dynamic block of the module asks, and the template's condition.
DYNAMIC = {'${var.organization_id == "" ? [] : [1]}': "HasOrganization"}


def statement_of_module(statement: dict) -> dict:
    return {
        "Only with": DYNAMIC[statement["for_each"]] if "for_each" in statement else "",
        "Effect": statement.get("effect", "Allow"),
        "Action": sorted(statement["actions"]),
        "Principal": sorted(
            f"{principal['type']} {of_module(who)}"
            for principal in statement.get("principals", [])
            for who in principal["identifiers"]
        ),
        "Resource": sorted(of_module(resource) for resource in statement.get("resources", [])),
        "Condition": sorted(
            f"{condition['test']} {condition['variable']} {of_module(value)}"
            for condition in statement.get("condition", [])
            for value in listed(condition["values"])
        ),
    }


def named(statements: list[dict], sid: str, read) -> dict[str, dict]:
    """The statements by their Sid, or by their actions where they have none."""
    found = {}
    for statement in statements:
        content = read(statement)
        found[unconditional(statement)[1].get(sid) or " ".join(content["Action"])] = content
    return found


def statements_of_module(document: dict) -> list[dict]:
    """The document's statements, those of dynamic blocks included."""
    dynamic = [each["statement"] for each in document.get("dynamic", [])]
    return document["statement"] + [
        content | {"for_each": each["for_each"]} for each in dynamic for content in listed(each["content"])
    ]


def policies_of_template() -> dict[str, dict]:
    found = {}
    for name in without_exceptions(template()["Resources"]):
        properties = template()["Resources"][name].get("Properties", {})
        for key in ("PolicyDocument", "AssumeRolePolicyDocument", "KeyPolicy"):
            if key in properties:
                found[f"{name}.{key}"] = named(properties[key]["Statement"], "Sid", statement_of_template)
        if "Policies" in properties:
            for condition, policy in map(unconditional, properties["Policies"]):
                key = f"{name}.Policies" + (f".{condition}" if condition else "")
                found[key] = named(policy["PolicyDocument"]["Statement"], "Sid", statement_of_template)
    return found


# --- Alarms -----------------------------------------------------------------------------------------------------------


def dimensions_of_template(metric: dict) -> dict[str, str]:
    return {each["Name"]: of_template(each["Value"]) for each in metric.get("Dimensions", [])}


def dimensions_of_module(metric: dict) -> dict[str, str]:
    return {name: of_module(value) for name, value in metric.get("dimensions", {}).items()}


def alarm_of_template(alarm: dict) -> dict:
    queries = {}
    for query in alarm.get("Metrics", []):
        stat = query.get("MetricStat", {})
        queries[query["Id"]] = (
            picked(query, QUERY, of_template, str)
            | picked(stat, STATISTIC, of_template, str)
            | picked(stat.get("Metric", {}), METRIC, of_template, str)
            | dimensions_of_template(stat.get("Metric", {}))
        )
    return (
        picked(alarm, ALARM, of_template, str)
        | dimensions_of_template(alarm)
        | queries
        | {
            "AlarmActions": [of_template(action) for action in alarm.get("AlarmActions", [])],
            "OKActions": [of_template(action) for action in alarm.get("OKActions", [])],
            "only while the schedule is on": "ActionsEnabled" in alarm,
        }
    )


def alarm_of_module(alarm: dict) -> dict:
    queries = {}
    for query in alarm.get("metric_query", []):
        (metric,) = query.get("metric", [{}])
        queries[query["id"]] = (
            picked(query, QUERY, of_module, QUERY.get)
            | picked(metric, STATISTIC, of_module, STATISTIC.get)
            | picked(metric, METRIC, of_module, METRIC.get)
            | dimensions_of_module(metric)
        )
    return (
        picked(alarm, ALARM, of_module, ALARM.get)
        | dimensions_of_module(alarm)
        | queries
        | {
            "AlarmActions": [of_module(action) for action in alarm.get("alarm_actions", [])],
            "OKActions": [of_module(action) for action in alarm.get("ok_actions", [])],
            "only while the schedule is on": "actions_enabled" in alarm,
        }
    )


# --- The tests --------------------------------------------------------------------------------------------------------


HINT = (
    "template.yaml and deploy/terraform differ. Change the other one, too; what the module is to lack goes into "
    "EXCEPTIONS in scripts/test_terraform.py, with the reason"
)


def differences(found: dict, wanted: dict, what: str) -> list[str]:
    """A line for each key that is not the same on both sides."""
    return [
        f"{what}, {key}: template.yaml has {wanted.get(key, 'nothing')}, the module has {found.get(key, 'nothing')}"
        for key in sorted(found.keys() | wanted.keys())
        if found.get(key) != wanted.get(key)
    ]


class Terraform(unittest.TestCase):
    def same(self, found: dict, wanted: dict, what: str) -> None:
        different = differences(found, wanted, what)
        if different:
            self.fail("\n".join([f"{HINT}:", *different]))

    def test_every_resource_of_the_template_is_in_the_module(self):
        for name in without_exceptions(template()["Resources"]):
            with self.subTest(name):
                if name not in RESOURCES:
                    self.fail(
                        f"{HINT}: template.yaml has {name}, and RESOURCES in scripts/test_terraform.py has not"
                    )
                if RESOURCES[name] not in module():
                    self.fail(f"{HINT}: deploy/terraform lacks {RESOURCES[name]}, which stands for {name}")
        gone = RESOURCES.keys() - template()["Resources"].keys()
        self.assertEqual(gone, set(), f"{HINT}: template.yaml no longer has what RESOURCES names")

    def test_every_parameter_is_a_variable_with_the_same_default(self):
        wanted = {
            snake(name): "" if name in OF_SLACK else str(template()["Parameters"][name].get("Default"))
            for name in without_exceptions(template()["Parameters"])
        }
        found = {}
        for address, variable in module().items():
            name = address.removeprefix("var.")
            if address.startswith("var.") and name not in OWN_VARIABLES:
                default = variable.get("default")
                found[name] = ",".join(default) if isinstance(default, list) else str(default)
        self.same(found, wanted, "the default of a parameter and of its variable")

    def test_every_variable_has_its_parameters_limits(self):
        for name in without_exceptions(template()["Parameters"]):
            parameter = template()["Parameters"][name]
            variable = module().get(f"var.{snake(name)}", {})
            conditions = " ".join(validation["condition"] for validation in variable.get("validation", []))
            conditions = conditions.replace("\\\\", "\\")
            limits = [str(parameter[limit]) for limit in ("MinValue", "MaxValue") if limit in parameter]
            limits += [str(value) for value in parameter.get("AllowedValues", [])]
            # A list may be empty in Terraform, where CloudFormation has a list of one empty text.
            pattern = LIMITS.get(name) or parameter.get("AllowedPattern", "")
            limits += [pattern if parameter["Type"] == "String" else pattern.removeprefix("^$|")]
            for limit in limits:
                with self.subTest(name):
                    found = re.search(rf"(?<![0-9]){re.escape(limit)}(?![0-9])", conditions)
                    self.assertTrue(
                        found, f"{HINT}: the validation of {snake(name)} in variables.tf lacks {limit}"
                    )

    def test_every_variable_is_described_and_has_a_type(self):
        for address, variable in module().items():
            if address.startswith("var."):
                self.assertGreater(len(variable.get("description", "")), 20, address)
                self.assertIn("type", variable, address)

    def test_the_functions_environment_is_the_same(self):
        wanted = {
            name: of_template(value)
            for name, value in in_template("PackwatchFunction.Environment.Variables").items()
        }
        found = in_module("aws_lambda_function.packwatch.environment.variables")
        self.same(
            {name: of_module(value) for name, value in found.items()}, wanted, "the function's environment"
        )

    def test_every_policy_is_the_same(self):
        wanted = policies_of_template()
        self.assertEqual(
            wanted.keys() ^ POLICIES.keys(), set(), f"{HINT}: POLICIES names the policies of both"
        )
        for name, data in POLICIES.items():
            statements = statements_of_module(module()[f"data.aws_iam_policy_document.{data}"])
            with self.subTest(name):
                self.same(named(statements, "sid", statement_of_module), wanted[name], f"{name}, and {data}")

    def test_every_alarm_is_the_same(self):
        alarms = {
            name
            for name, resource in template()["Resources"].items()
            if resource["Type"] == "AWS::CloudWatch::Alarm"
        }
        for name in without_exceptions(alarms):
            with self.subTest(name):
                address = RESOURCES.get(name)
                if address not in module():
                    self.fail(f"{HINT}: alarms.tf lacks {name}")
                wanted = alarm_of_template(template()["Resources"][name]["Properties"])
                self.same(alarm_of_module(module()[address]), wanted, f"{name}, and {address}")

    def test_the_dashboard_is_the_same(self):
        def generic(body: str) -> str:
            """What is filled in, in the module's words: ${ErrorsAlarm.Arn} is ${errors_alarm}."""
            body = body.replace("${AWS::Region}", "${region}").replace("${PackwatchFunction}", "${function}")
            return re.sub(r"\$\{(\w+)(?:\.\w+)?\}", lambda found: f"${{{snake(found[1])}}}", body)

        wanted, _period = in_template("Dashboard.DashboardBody")["Sub"]
        self.assertEqual((MODULE / "dashboard.json.tftpl").read_text(), generic(wanted), HINT)
        filled = set(re.findall(r"\$\{(\w+)\}", generic(wanted)))
        given = in_module("aws_cloudwatch_dashboard.packwatch.dashboard_body")
        self.assertEqual(
            set(re.findall(r"(\w+) ?= ", given)), filled, f"{HINT}: what templatefile() is given"
        )

    def test_every_output_is_the_same(self):
        wanted = {
            snake(name): output["Description"]
            for name, output in template()["Outputs"].items()
            if name not in EXCEPTIONS
        }
        found = {
            address.removeprefix("output."): output["description"]
            for address, output in module().items()
            if address.startswith("output.")
        }
        self.same(found, wanted, "outputs")

    def test_other_properties_are_the_same(self):
        for there, here in SAME.items():
            with self.subTest(there):
                self.assertEqual(
                    of_module(in_module(here)), of_template(in_template(there)), f"{HINT}: {here}"
                )

    def test_the_function_is_in_the_same_network(self):
        wanted = in_template("PackwatchFunction.VpcConfig")["If"]
        self.assertEqual(wanted[0], "HasNetwork")
        (network,) = in_module("aws_lambda_function.packwatch.dynamic")
        (content,) = listed(network["vpc_config"]["content"])
        self.assertEqual(
            {name: of_module(content[snake(name)]) for name in wanted[1]},
            {name: of_template(value) for name, value in wanted[1].items()},
        )
        self.assertEqual(network["vpc_config"]["for_each"], "${length(var.subnet_ids) == 0 ? [] : [1]}")

    def test_what_depends_on_a_key_or_a_network_is_there_only_with_it(self):
        for condition, addresses in COUNTED.items():
            for address in addresses:
                self.assertEqual(module()[address].get("count"), condition, address)

    def test_the_rules_take_the_same_events(self):
        for name in ("PackChanged", "AccountChanged"):
            pattern = in_module(f"{RESOURCES[name]}.event_pattern")
            wanted = in_template(f"{name}.EventPattern")
            detail = wanted["detail"]
            texts = {*wanted["source"], *wanted["detail-type"], *detail["eventSource"], *detail["eventName"]}
            self.assertEqual(set(re.findall(r'"([^"]+)"', pattern)), texts)
            self.assertEqual("errorCode" in detail, "errorCode" in pattern)
        self.assertEqual(in_template("PackChanged.EventPattern")["detail"]["errorCode"], [{"exists": False}])
        self.assertRegex(
            in_module("aws_cloudwatch_event_rule.pack_changed.event_pattern"),
            r"errorCode = \[\{\s*exists = false\s*\}\]",
        )

    def test_names_fit_into_what_aws_allows(self):
        """IAM takes prefixes of 38 characters, of which Terraform fills the rest."""
        for address, resource in module().items():
            prefix = resource.get("name_prefix", "")
            with self.subTest(address):
                if found := re.fullmatch(r"\$\{substr\(var\.name, 0, (\d+)\)\}(.*)", prefix):
                    self.assertLessEqual(int(found[1]) + len(found[2]), 38)
                else:
                    self.assertEqual(prefix, "")

    def test_terraform_does_not_destroy_the_table(self):
        self.assertIs(in_module("aws_dynamodb_table.state.lifecycle.prevent_destroy"), True)


if __name__ == "__main__":
    unittest.main()
