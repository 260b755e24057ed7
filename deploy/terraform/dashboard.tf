# What it shows is in docs/logging.md; the test holds its body to template.yaml.

resource "aws_cloudwatch_dashboard" "packwatch" {
  count = var.show_dashboard == "on" ? 1 : 0
  # An account's dashboards share one list over all regions.
  dashboard_name = "${var.name}-${local.region}"

  dashboard_body = templatefile("${path.module}/dashboard.json.tftpl", {
    region        = local.region
    period        = local.interval_seconds
    timeout       = var.timeout
    function      = aws_lambda_function.packwatch.function_name
    log_group     = aws_cloudwatch_log_group.function.name
    failed_events = aws_sqs_queue.failed_events.name
    # Without FanOut a name that no queue has: a line without data.
    waiting_targets         = var.fan_out == "on" ? aws_sqs_queue.targets[0].name : "none"
    lost_targets            = var.fan_out == "on" ? aws_sqs_queue.unfinished_targets[0].name : "none"
    errors_alarm            = aws_cloudwatch_metric_alarm.errors.arn
    no_successful_run_alarm = aws_cloudwatch_metric_alarm.no_successful_run.arn
    duration_alarm          = aws_cloudwatch_metric_alarm.duration.arn
    failed_events_alarm     = aws_cloudwatch_metric_alarm.failed_events.arn
    packs_waiting_alarm     = aws_cloudwatch_metric_alarm.packs_waiting.arn
    unannounced_alarm       = aws_cloudwatch_metric_alarm.unannounced.arn
  })
}
