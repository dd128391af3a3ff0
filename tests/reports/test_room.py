"""The room's door is light: `--help` imports it."""

import subprocess
import sys
from pathlib import Path


def test_importing_reports_loads_nothing_heavy() -> None:
    heavy = "{'pandas', 'numpy', 'mlflow', 'matplotlib', 'sqlalchemy', 'yaml', 'torch', 'scipy', 'pyarrow'}"
    code = f"import reports, sys; found = {heavy} & set(sys.modules); sys.exit(f'loaded {{found}}' if found else 0)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_a_report_from_a_database_never_imports_mlflow(told_home: Path) -> None:
    code = f"""
import reports, sys
results = reports.load('whole', home={str(told_home)!r})
reports.console_table(results)
sys.exit('mlflow was imported' if 'mlflow' in sys.modules or 'torch' in sys.modules else 0)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
