# Tried by the tests: HashiCorp's parser reads every file, and each parameter of the template has its variable. Not tried: Terraform
# itself, on any account.
#
# The template and the zips stand beside this folder in the release.
locals {
  template  = "${path.module}/../cloudformation.json"
  functions = "${path.module}/../functions"
}

data "aws_s3_bucket" "code" {
  bucket = var.code_bucket
}

# The names have a digest of the content in them: other code is another object, and the former one stays until the stack has
# been updated, so that CloudFormation can roll back.
resource "aws_s3_object" "function" {
  for_each = fileset(local.functions, "*.zip")

  bucket = data.aws_s3_bucket.code.id
  key    = "${var.code_prefix}${each.value}"
  source = "${local.functions}/${each.value}"

  lifecycle {
    create_before_destroy = true
  }
}

# Larger than a template that is sent in the request may be (51,200 bytes).
resource "aws_s3_object" "template" {
  bucket = data.aws_s3_bucket.code.id
  key    = "${var.code_prefix}cloudformation-${substr(filesha256(local.template), 0, 12)}.json"
  source = local.template

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudformation_stack" "this" {
  name         = var.stack_name
  template_url = "https://${data.aws_s3_bucket.code.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  capabilities = ["CAPABILITY_IAM"]
  parameters   = local.parameters
  tags         = var.tags

  depends_on = [aws_s3_object.function]
}
