"""The only rooms with boto3: tables, buckets, the engine, events. ClientError is translated here and nowhere else."""
