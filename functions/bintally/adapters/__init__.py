"""The only package with boto3: tables, buckets, queues, engines, events. It translates boto3's errors to bintally's."""
