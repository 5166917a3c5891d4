"""Training one network: the loop, checkpoints, what is shown."""
