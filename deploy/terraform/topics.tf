# CloudWatch cannot publish to a topic under alias/aws/sns, whose policy nobody can change: hence a key of our own.
resource "aws_kms_key" "topics" {
  count = var.key_arn == "" ? 1 : 0

  description             = "Encrypts the topics of packwatch"
  enable_key_rotation     = true
  deletion_window_in_days = 7
  policy                  = data.aws_iam_policy_document.topic_key.json
  tags                    = local.tags
}

resource "aws_kms_alias" "topics" {
  count = var.key_arn == "" ? 1 : 0

  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.topics[0].key_id
}

moved {
  from = aws_kms_key.topics
  to   = aws_kms_key.topics[0]
}

moved {
  from = aws_kms_alias.topics
  to   = aws_kms_alias.topics[0]
}

resource "aws_sns_topic" "alerts" {
  name = "${var.name}-alerts"
  # The sender's name in e-mails.
  display_name      = "packwatch"
  kms_master_key_id = local.key_arn
  tags              = local.tags
}

resource "aws_sns_topic_policy" "alerts" {
  arn    = aws_sns_topic.alerts.arn
  policy = data.aws_iam_policy_document.alerts_topic.json
}

resource "aws_sns_topic" "events" {
  name              = "${var.name}-events"
  kms_master_key_id = local.key_arn
  tags              = local.tags
}

resource "aws_sns_topic_policy" "events" {
  arn    = aws_sns_topic.events.arn
  policy = data.aws_iam_policy_document.events_topic.json
}

resource "aws_sns_topic_subscription" "email" {
  count = var.alert_email == "" ? 0 : 1

  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = var.alert_email
}

resource "aws_chatbot_slack_channel_configuration" "slack" {
  count = var.slack_channel_id == "" ? 0 : 1

  # An account's configurations share one list over all regions.
  configuration_name = "${var.name}-${local.region}"
  slack_team_id      = var.slack_workspace_id
  slack_channel_id   = var.slack_channel_id
  sns_topic_arns     = [aws_sns_topic.alerts.arn]
  iam_role_arn       = aws_iam_role.slack[0].arn
  # The channel only reads. Without this line the guardrail would be AdministratorAccess.
  guardrail_policy_arns = ["arn:${local.partition}:iam::aws:policy/AWSDenyAll"]
  logging_level         = "ERROR"
  tags                  = local.tags
}

# The service wants a role; delivering a message needs no permission, so the role has none.
resource "aws_iam_role" "slack" {
  count = var.slack_channel_id == "" ? 0 : 1

  name_prefix          = "${substr(var.name, 0, 28)}-slack-"
  description          = "Lets the Slack channel of packwatch exist, and nothing else"
  assume_role_policy   = data.aws_iam_policy_document.slack_trust.json
  permissions_boundary = local.permissions_boundary
  tags                 = local.tags
}
