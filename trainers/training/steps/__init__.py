"""How a step is made: optimiser, gradients of parts with momenta of their own, compiled steps."""
