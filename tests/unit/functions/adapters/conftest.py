from tests.unit.functions.aws import aws

__all__ = ["aws"]
