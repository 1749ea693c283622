"""SageMaker jobs with the SageMaker Python SDK v3: the only part of training that knows AWS and its SDK."""
