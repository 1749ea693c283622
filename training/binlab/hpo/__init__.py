"""The search for better flags."""
