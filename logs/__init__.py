"""Logs of learning curves: TensorBoard, Weights & Biases, CSV."""
