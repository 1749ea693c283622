"""bintally counts the items in photos of bins and compares the counts with orders. This package runs in Lambda."""
