# Each has its section in docs/runbook.md. Their names end as in template.yaml: packwatch-errors is ErrorsAlarm.

resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${var.name}-errors"
  alarm_description   = "A run of packwatch failed: a pack could not be read completely, access was denied, or the settings are wrong. The log group says which."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.packwatch.function_name }
  statistic           = "Sum"
  period              = local.interval_seconds
  evaluation_periods  = local.late_periods
  datapoints_to_alarm = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.alarm_topic_arn]
  ok_actions          = [local.alarm_topic_arn]
  tags                = local.tags
}

# The one that notices silence: a watcher that stopped looks like an organization without changes.
resource "aws_cloudwatch_metric_alarm" "no_successful_run" {
  alarm_name          = "${var.name}-no-successful-run"
  alarm_description   = "packwatch had no successful run in three intervals, so changes go unnoticed. Check the schedule, the log group and the queue of failed events. (It clears by itself after the first deployment.)"
  evaluation_periods  = 3
  datapoints_to_alarm = 3
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = var.schedule_state == "ENABLED" ? "breaching" : "notBreaching"
  actions_enabled     = var.schedule_state == "ENABLED"
  alarm_actions       = [local.alarm_topic_arn]
  ok_actions          = [local.alarm_topic_arn]
  tags                = local.tags

  metric_query {
    id          = "successful"
    label       = "Successful runs"
    expression  = "invocations - FILL(errors, 0)"
    return_data = true
  }
  metric_query {
    id          = "invocations"
    return_data = false
    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Invocations"
      dimensions  = { FunctionName = aws_lambda_function.packwatch.function_name }
      period      = local.interval_seconds
      stat        = "Sum"
    }
  }
  metric_query {
    id          = "errors"
    return_data = false
    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.packwatch.function_name }
      period      = local.interval_seconds
      stat        = "Sum"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "duration" {
  alarm_name          = "${var.name}-duration"
  alarm_description   = "A run of packwatch took more than 80 % of its time limit, so packs may have to wait for the next run. Raise Timeout, MemorySize or Concurrency."
  evaluation_periods  = local.late_periods
  datapoints_to_alarm = 1
  threshold           = 80
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.alarm_topic_arn]
  tags                = local.tags

  metric_query {
    id    = "percent"
    label = "Share of the time limit (%)"
    # The metric is in milliseconds, the time limit in seconds: ms / (s × 1000) × 100.
    expression  = "longest / ${var.timeout} / 10"
    return_data = true
  }
  metric_query {
    id          = "longest"
    return_data = false
    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Duration"
      dimensions  = { FunctionName = aws_lambda_function.packwatch.function_name }
      period      = local.interval_seconds
      stat        = "Maximum"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "failed_events" {
  alarm_name          = "${var.name}-failed-events"
  alarm_description   = "The queue of failed events is not empty: packwatch failed on an event, or the event never reached it. Read it there, then purge the queue."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.failed_events.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.alarm_topic_arn]
  tags                = local.tags
}

# A run that leaves packs for the next one has not failed: that every run does is what somebody must know.
resource "aws_cloudwatch_metric_alarm" "packs_waiting" {
  alarm_name          = "${var.name}-packs-waiting"
  alarm_description   = "In each of six intervals packwatch left packs for the next run, so changes are announced late. The log group gives the reason for the outcome Deferred: out of time means raise Timeout or Concurrency."
  namespace           = "packwatch"
  metric_name         = "TargetsDeferred"
  dimensions          = { FunctionName = aws_lambda_function.packwatch.function_name }
  statistic           = "Maximum"
  period              = local.interval_seconds
  evaluation_periods  = 6
  datapoints_to_alarm = 6
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "ignore"
  alarm_actions       = [local.alarm_topic_arn]
  ok_actions          = [local.alarm_topic_arn]
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "unannounced" {
  alarm_name          = "${var.name}-unannounced"
  alarm_description   = "A recorded change has not been announced for more than an hour; each run tries again. Search the log group for \"not announced\": a topic refuses (its policy, its key, its name), or the pack cannot be read."
  namespace           = "packwatch"
  metric_name         = "OldestUnannounced"
  dimensions          = { FunctionName = aws_lambda_function.packwatch.function_name }
  statistic           = "Maximum"
  period              = local.interval_seconds
  evaluation_periods  = 1
  threshold           = 3600
  comparison_operator = "GreaterThanThreshold"
  # A run that could not find out how old it is says nothing.
  treat_missing_data = "ignore"
  alarm_actions      = [local.alarm_topic_arn]
  ok_actions         = [local.alarm_topic_arn]
  tags               = local.tags
}

locals {
  # With `always` every look is whole.
  quick_looks = var.whole_every == "always" ? 0 : 1
  # A whole look is late when the last one is three times as long ago as it should be.
  whole_look_late_seconds = try(
    3 * tonumber(regex("^[0-9]+", var.whole_every)) * { m = 60, h = 3600 }[regex("[mh]$", var.whole_every)], 0
  )
}

# A quick look sees no healthy account join or leave: that nobody makes whole ones is what somebody must know.
resource "aws_cloudwatch_metric_alarm" "whole_look_late" {
  count               = local.quick_looks
  alarm_name          = "${var.name}-whole-look-late"
  alarm_description   = "A large pack was not read in full for three times WholeEvery, so healthy accounts that join or leave it go unnoticed. Runs lack the time, or AWS Config throttles: raise Timeout or WholeEvery, or use FanOut."
  namespace           = "packwatch"
  metric_name         = "OldestWholeLook"
  dimensions          = { FunctionName = aws_lambda_function.packwatch.function_name }
  statistic           = "Maximum"
  period              = local.interval_seconds
  evaluation_periods  = 1
  threshold           = local.whole_look_late_seconds
  comparison_operator = "GreaterThanThreshold"
  # Nothing is measured where no pack is large.
  treat_missing_data = "notBreaching"
  alarm_actions      = [local.alarm_topic_arn]
  ok_actions         = [local.alarm_topic_arn]
  tags               = local.tags
}
