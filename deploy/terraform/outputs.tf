output "stack_id" {
  description = "The id of the CloudFormation stack"
  value       = aws_cloudformation_stack.this.id
}
