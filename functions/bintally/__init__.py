"""bintally: counts photographs of bins and compares the counts with consignment orders. This package runs in Lambda."""
