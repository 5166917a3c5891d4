"""What is measured in a trained network. Arrays and parameters go in; nothing here needs TensorFlow."""
