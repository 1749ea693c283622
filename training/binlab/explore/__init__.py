"""What the photographs and their records are like, as a report."""
