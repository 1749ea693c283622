"""From the public bucket to a folder that is clean, small and split."""
