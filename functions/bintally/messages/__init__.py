"""Wire formats, each parsed in one place: SQS, S3, SageMaker, DynamoDB streams. Standard library only."""
