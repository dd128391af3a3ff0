"""Whether a method's record is true about what its term compares from row to row: ranks rely on it."""

import pytest

from tests.trainers.methods.examples import answers, built
from trainers.methods import Couples, methods
from trainers.methods.record.halves import halves_apart

CLASSES = 10
TOLERANCE = 1e-9


@pytest.mark.parametrize("method", methods().values(), ids=lambda method: method.name)
def test_a_batch_is_the_mean_of_its_halves_where_the_record_says_so(method):
    student, teacher, target = answers(CLASSES)
    apart = halves_apart(lambda: built(method, CLASSES), student, teacher if method.teacher else None, target, 100)
    assert (apart < TOLERANCE) == (method.couples is Couples.NOTHING), apart
