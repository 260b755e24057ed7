# packwatch as a CloudFormation stack of template.yaml: the zip goes to a bucket, and the template gets its place there.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "bucket" {
  type        = string
  description = "S3 bucket for the function's zip, in the region of the stack."
}

variable "name" {
  type        = string
  default     = "packwatch"
  description = "Name of the stack."
}

variable "package" {
  type        = string
  default     = null
  description = "Path of the function's zip. An unpacked release has one, which is the default."
}

variable "parameters" {
  type        = map(string)
  default     = {}
  description = "Parameters of template.yaml by their names there, such as AlertEmail. Lists are texts with commas."
}

locals {
  folder  = "${path.module}/../.."
  package = coalesce(var.package, "${local.folder}/function.zip")
}

resource "aws_s3_object" "function" {
  bucket = var.bucket
  # Another zip has another key, or CloudFormation would not see that the function has changed.
  key    = "${var.name}/${filesha256(local.package)}.zip"
  source = local.package

  # An update that fails is rolled back to the old zip: that is deleted last.
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudformation_stack" "packwatch" {
  #checkov:skip=CKV_AWS_124:Terraform itself waits for the stack and reports what failed.
  name = var.name
  template_body = replace(
    file("${local.folder}/template.yaml"),
    "/(?m)^( +CodeUri:) .*$/",
    "$1 s3://${aws_s3_object.function.bucket}/${aws_s3_object.function.key}"
  )
  parameters = var.parameters
  # The second one is for the transform of AWS SAM.
  capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
}

output "outputs" {
  description = "Outputs of template.yaml by their names there, such as AlertsTopicArn."
  value       = aws_cloudformation_stack.packwatch.outputs
}
