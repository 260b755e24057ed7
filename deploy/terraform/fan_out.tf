# With fan_out the schedule's run sends one message for each pack and region, and other runs take them.

locals {
  fan_out   = var.fan_out == "on" ? 1 : 0
  queue_url = var.fan_out == "on" ? aws_sqs_queue.targets[0].url : ""
}

resource "aws_sqs_queue" "targets" {
  count = local.fan_out
  name  = "${var.name}-targets"
  # AWS wants at least six times the function's time limit and the batching window.
  visibility_timeout_seconds = var.timeout * 10
  # Long enough for both tries at the longest time limit (2 × 9000 s). What waits for longer than a tick without being
  # tried is dropped by the function, so the queue holds little more than the targets of two ticks.
  message_retention_seconds = 21600
  sqs_managed_sse_enabled   = var.key_arn == "" ? true : null
  kms_master_key_id         = local.customer_key_arn
  tags                      = local.tags

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.unfinished_targets[0].arn
    # Each tick is a try of its own. The second one is for what the next tick would not fix.
    maxReceiveCount = 2
  })
}

resource "aws_sqs_queue_policy" "targets" {
  count     = local.fan_out
  queue_url = aws_sqs_queue.targets[0].url
  policy    = data.aws_iam_policy_document.targets[0].json
}

data "aws_iam_policy_document" "targets" {
  count = local.fan_out
  statement {
    sid     = "EncryptedTransportOnly"
    effect  = "Deny"
    actions = ["sqs:*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    resources = [aws_sqs_queue.targets[0].arn]
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sqs_queue" "unfinished_targets" {
  count                     = local.fan_out
  name                      = "${var.name}-unfinished-targets"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = var.key_arn == "" ? true : null
  kms_master_key_id         = local.customer_key_arn
  tags                      = local.tags
}

resource "aws_sqs_queue_policy" "unfinished_targets" {
  count     = local.fan_out
  queue_url = aws_sqs_queue.unfinished_targets[0].url
  policy    = data.aws_iam_policy_document.unfinished_targets[0].json
}

data "aws_iam_policy_document" "unfinished_targets" {
  count = local.fan_out
  statement {
    sid     = "EncryptedTransportOnly"
    effect  = "Deny"
    actions = ["sqs:*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    resources = [aws_sqs_queue.unfinished_targets[0].arn]
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_iam_role_policy" "fan_out" {
  count  = local.fan_out
  name   = "fan-out"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.fan_out[0].json
}

data "aws_iam_policy_document" "fan_out" {
  count = local.fan_out
  statement {
    sid       = "SendTargets"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.targets[0].arn]
  }
  # What Lambda needs to poll the queue in the function's name.
  statement {
    sid       = "TakeTargets"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    resources = [aws_sqs_queue.targets[0].arn]
  }
}

resource "aws_lambda_event_source_mapping" "targets" {
  count            = local.fan_out
  event_source_arn = aws_sqs_queue.targets[0].arn
  function_name    = aws_lambda_function.packwatch.arn
  # More do not fit into a run where AWS Config throttles, come back unfinished, and make no fewer messages: see
  # docs/performance.md.
  batch_size = 5
  # The sender is done within a few seconds: batches are full then.
  maximum_batching_window_in_seconds = 5
  function_response_types            = ["ReportBatchItemFailures"]
  tags                               = local.tags

  scaling_config {
    maximum_concurrency = var.fan_out_concurrency
  }
  metrics_config {
    metrics = ["EventCount"]
  }

  depends_on = [aws_iam_role_policy.fan_out]
}

# A batch with unfinished targets is no error of the function: this is the alarm on errors for the queue.
resource "aws_cloudwatch_metric_alarm" "targets_failed" {
  count               = local.fan_out
  alarm_name          = "${var.name}-targets-failed"
  alarm_description   = "packwatch could not finish a pack from the queue: it could not be read, access was denied, time ran out, or the message was not understood. The log group says which."
  namespace           = "AWS/Lambda"
  metric_name         = "FailedInvokeEventCount"
  dimensions          = { EventSourceMappingUUID = aws_lambda_event_source_mapping.targets[0].uuid }
  statistic           = "Sum"
  period              = local.interval_seconds
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.alarm_topic_arn]
  ok_actions          = [local.alarm_topic_arn]
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "targets_wait" {
  count               = local.fan_out
  alarm_name          = "${var.name}-targets-wait"
  alarm_description   = "The queue of packwatch was not empty once in three intervals, so packs are read too rarely or not at all. Raise FanOutConcurrency or ScheduleMinutes; check that the event source mapping is enabled."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.targets[0].name }
  statistic           = "Minimum"
  period              = local.interval_seconds
  evaluation_periods  = 3
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.alarm_topic_arn]
  ok_actions          = [local.alarm_topic_arn]
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "unfinished_targets" {
  count               = local.fan_out
  alarm_name          = "${var.name}-unfinished-targets"
  alarm_description   = "The dead-letter queue is not empty: packwatch did not finish a pack in two tries, or did not understand a message. Read it and the log group, then purge the queue: the schedule sends every pack again."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.unfinished_targets[0].name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.alarm_topic_arn]
  tags                = local.tags
}
