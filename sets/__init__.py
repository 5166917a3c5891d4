"""Sets of networks: which, one of them, stacks, processes here, Dask, summary, smaller copies."""
