"""How one trial trains: methods, models, data, views, teacher logits, the distillation loop.

Knows nothing of sweeps, Ray, Optuna or MLflow: `for epoch in distill(trial, store): ...` works in a notebook.
"""
