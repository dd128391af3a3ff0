"""Names of the table's numbers are names of metrics."""

import pytest

from reports.board.numbers import plain


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("digits100: tinyresnet -> tinycnn", "digits100 tinyresnet - tinycnn"),
        ("gdkd (by k) k=5 w2=0.5", "gdkd by k k_5 w2_0.5"),
        ("../a//b", "a b"),
        ("...", "_"),
        ("KD, ours", "KD ours"),
    ],
)
def test_what_mlflow_does_not_take_is_left_out(text: str, name: str):
    validation = pytest.importorskip("mlflow.utils.validation")
    assert plain(text) == name
    validation._validate_metric_name(f"final_top1/{plain(text)}/{plain('x' * 900)}")
