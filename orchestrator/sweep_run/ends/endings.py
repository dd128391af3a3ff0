"""What is said of a trial that has ended, in a line."""

from orchestrator.ledger.records import FINAL_SCORES, TrialRow


def ending_line(row: TrialRow) -> str:
    """Return what is said of a trial that has ended."""
    score = next((row.metrics[name] for name in FINAL_SCORES if name in row.metrics), None)
    result = "" if score is None else f"  {score:.1f} %"
    seconds = f"  {row.metrics['train_seconds']:.1f} s" if "train_seconds" in row.metrics else ""
    reason = f"  {last_line(row.reason)}" if row.reason else ""
    reason += f"  collapsed: {row.collapsed}" if row.collapsed else ""
    return f"{row.state:<11} {row.title}{result}{seconds}{reason}"


def last_line(text: str) -> str:
    """Return the last line of a text, which of a traceback says what it was."""
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""
