"""How a process computes, where torch leaves a choice that changes the last digits: said here and nowhere else.

What is said is what torch does by itself, so that nothing depends on who has used the process before.
"""

import os

import torch

CUBLAS = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"
"""With this cuBLAS adds up in one order; read when a process first uses it."""


def set_arithmetic(*, threads: int, deterministic: bool = False) -> None:
    """Set how this process computes from now on.

    cuDNN takes the algorithms that it thinks best, not those that were fastest in a race, which differ from run to run.
    Its convolutions may round float32 to TF32, matrix products may not. All of it is set anew each time but
    the variable of cuBLAS, which stays after `deterministic`.

    Args:
        threads: on the CPU.
        deterministic: let a GPU, too, give the same bits again; an operation that cannot raises. Was never run on one.
    """
    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cuda.matmul.allow_tf32 = False
    if deterministic:
        os.environ.setdefault(*CUBLAS)
    torch.backends.cudnn.deterministic = deterministic
    torch.use_deterministic_algorithms(deterministic)


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """Return a context in which networks compute in the precision of a recipe."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
