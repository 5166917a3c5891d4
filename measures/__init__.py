"""What is measured in a trained network. Nothing here imports TensorFlow."""
