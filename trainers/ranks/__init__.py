"""Several processes that train one trial together, a rank each: what each has of a batch, and how it becomes one."""
