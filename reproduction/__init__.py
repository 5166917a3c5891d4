"""Networks beside the paper and its code."""
