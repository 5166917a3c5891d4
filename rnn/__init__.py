"""What a network is made of: initial values, gradient, optimiser, graphs, device."""
