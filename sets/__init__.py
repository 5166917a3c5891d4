"""Sets of networks: one network, processes of this machine, Dask, the summary, smaller copies."""
