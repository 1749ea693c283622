"""What a folder of photos and records looks like, as a report."""
