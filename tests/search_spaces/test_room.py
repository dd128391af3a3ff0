"""What the room may import, and what importing it costs."""

import subprocess
import sys

HEAVY = ("torch", "torchvision", "timm", "sklearn", "scipy", "ray", "optuna", "mlflow", "pandas")


def test_importing_the_room_imports_nothing_heavy() -> None:
    code = f"import sys, search_spaces; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
