"""From a queue to a table, from the table's stream to another table, and one that is never content with poison."""

import json
import os

import boto3


def write(event, context):
    """Writes a line for each object of each message, with the number of messages that came with it."""
    dynamodb = boto3.client("dynamodb")
    batch = {"S": str(len(event["Records"]))}
    for record in event["Records"]:
        for notification in json.loads(record["body"]).get("Records", []):
            key = {"S": notification["s3"]["object"]["key"]}
            item = {"id": key, "kind": {"S": "image"}, "batch": batch}
            dynamodb.put_item(TableName=os.environ["LINES"], Item=item)


def judge(event, context):
    poisoned = [record["messageId"] for record in event["Records"] if record["body"] == "poison"]
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in poisoned]}


def see(event, context):
    dynamodb = boto3.client("dynamodb")
    for record in event["Records"]:
        dynamodb.put_item(TableName=os.environ["SEEN"], Item={"id": record["dynamodb"]["Keys"]["id"]})
