"""A method with its hyperparameters set: what the training loop calls."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainers.methods.record.hyperparameters import CE_WEIGHT
from trainers.methods.record.method import Couples, Method, Momentum, Values, one_view
from trainers.methods.record.outputs import Output, Setting, TermValue
from trainers.methods.terms.bound import of_loss
from trainers.methods.terms.standardize import standardize
from trainers.ranks.ranks import Ranks


class BuiltMethod(nn.Module):
    """Cross-entropy and the method's terms, weighted and warmed up.

    Attributes:
        method: the registry entry.
        values: all hyperparameters.
    """

    def __init__(self, method: Method, values: Values, setting: Setting) -> None:
        super().__init__()
        self.method = method
        self.values = dict(values)
        methods = method.methods if method.teacher else ()
        self.terms = nn.ModuleList(_Term(one, method.own_values(one, values), setting) for one in methods)
        self.apart: tuple[str, ...] = ()
        """Parts of the loss that are returned each for itself, too, under `share_of` their names: `task`, the
        cross-entropy, and `term`, all else, or named parts of the one term that there is."""

    @property
    def extra_parameters(self) -> int:
        """How many numbers are learned beside the student's."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def momenta(self) -> tuple[Momentum, ...]:
        """Of parts of the loss, where the method's have one each."""
        return self.method.momenta(self.values)

    @property
    def ce_weight(self) -> float:
        """The factor of the cross-entropy in the loss."""
        return float(self.values[CE_WEIGHT]) if self.method.teacher else 1.0

    @property
    def two_views(self) -> bool:
        """Whether a strong view of each image is compared beside the usual one."""
        return self.method.strong_view(self.values)

    @property
    def warmups(self) -> list[float]:
        """The epochs in which each term reaches its weight."""
        return [float(term.values.get("warmup_epochs", 0.0)) for term in self.terms if isinstance(term, _Term)]

    def forward(
        self,
        student: Tensor | Output,
        teacher: Tensor | Output | None,
        target_B: Tensor,
        epoch: int,
        ce: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return `loss`, to be minimised, and named parts for the log, which carry no gradient.

        Args:
            student: logits [B, C], or all that the student answered, of any floating type; the loss is computed in
                float32 (float64 for float64).
            teacher: the same of the teacher; None for a method that needs no teacher. A constant.
            target_B: class numbers.
            epoch: from 1.
            ce: the cross-entropy where it is another than that of these logits with these classes: smoothed labels,
                mixed images, pixels at another size. Of two views the sum.

        Raises:
            ValueError: the teacher's answers are missing, or the tensors do not fit.
        """
        ours = student if isinstance(student, Output) else Output(logits=student)
        with torch.autocast(ours.logits.device.type, enabled=False):
            ours = _cast(ours, ours.logits.dtype)
            ce = cross_entropy(ours, target_B) if ce is None else ce.to(ours.logits.dtype)
            parts = {"ce": ce.detach()}
            if not self.method.teacher:
                return {"loss": ce, **parts}
            theirs = _constant(self.method, ours, teacher, two_views=self.two_views)
            task = loss = float(self.values[CE_WEIGHT]) * ce
            named: dict[str, Tensor] = {}
            for term in self.terms:
                value, more = term(ours, theirs, target_B, epoch)
                loss = loss + value
                parts |= {_part_name(self.method, term, name): part.detach() for name, part in more.items()}
                assert isinstance(term, _Term)
                named = {name: term.factor(epoch) * part for name, part in more.items() if name in self.apart}
            whole = {"task": task, "term": loss - task, **named}
        return {"loss": loss, **parts, **{share_of(name): whole.get(name, loss - task) for name in self.apart}}


class _Term(nn.Module):
    """One method's term with its weight and warm-up."""

    def __init__(self, method: Method, values: Values, setting: Setting) -> None:
        super().__init__()
        self.method = method
        self.values = values
        self.inner = None if method.module is None else method.module(values, setting)
        self._call = method.term
        if method.term is None and method.loss is not None:
            self._call = of_loss(method.name, method.loss)
        self._standardized = bool(values.get("standardize", False)) and not method.standardizes
        self._ranks = setting.ranks
        self._couples: Couples = getattr(
            self.inner, "couples", method.couples
        )  # more, by its values, than its record's

    def forward(self, student: Output, teacher: Output, target: Tensor, epoch: int) -> TermValue:
        if self._standardized:
            student, teacher = _standardized(student), _standardized(teacher)
        value, parts = self._of_all(self._ranks, student, teacher, target, epoch)
        return self.factor(epoch) * value, parts

    def factor(self, epoch: int) -> float:
        """Return the weight as far as it has warmed up."""
        return float(self.values["weight"]) * self._ramp(epoch)

    def _of_all(self, ranks: Ranks | None, student: Output, teacher: Output, target: Tensor, epoch: int) -> TermValue:
        """Return the term such that the ranks' terms, each by the images that its rank stands for, make that of the
        whole batch, and so do the named parts."""
        if ranks is None or not ranks.split:
            return self._value(student, teacher, target, epoch)
        if self._couples in GATHERED:
            ours, theirs = (_gathered(ranks, self._couples, one) for one in (student, teacher))
            value, parts = self._value(ours, theirs, ranks.gathered(target), epoch)
            weight = ranks.weight_of_whole
            return weight * value, {name: weight * part for name, part in parts.items()}
        if not len(target):  # no pixel of this rank's has a class
            return 0.0 * student.logits.sum(), {}
        value, parts = self._value(student, teacher, target, epoch)
        weight = ranks.weight_of_rows
        return weight * value, {name: weight * part for name, part in parts.items()}

    def _value(self, student: Output, teacher: Output, target: Tensor, epoch: int) -> TermValue:
        if self.inner is not None:
            return self.inner(student, teacher, target, epoch)  # type: ignore[no-any-return]  # a module's
        whole = self.method.features or self.method.strong_view is not one_view
        ours, theirs = (student, teacher) if whole else (student.logits, teacher.logits)
        assert self._call is not None
        return self._call(self.values, ours, theirs, target)

    def _ramp(self, epoch: int) -> float:
        warmup = float(self.values["warmup_epochs"])
        return min(epoch / warmup, 1.0) if warmup > 0 else 1.0


def share_of(name: str) -> str:
    """Return under which name a part of the loss is returned for itself."""
    return f"share of {name}"


GATHERED = (Couples.LOGITS, Couples.VECTORS, Couples.LAST_MAPS)


def _gathered(ranks: Ranks, couples: Couples, output: Output) -> Output:
    """Return what a term compares from row to row, of all ranks."""
    vector = output.vector if couples is Couples.VECTORS else None
    maps = output.maps[-1:] if couples is Couples.LAST_MAPS else ()
    return Output(
        logits=ranks.gathered(output.logits),
        maps=tuple(map(ranks.gathered, maps)),
        vector=None if vector is None else ranks.gathered(vector),
        strong=None if output.strong is None else ranks.gathered(output.strong),
        images=None if output.images is None else ranks.gathered(output.images),
    )


def _part_name(method: Method, term: nn.Module, name: str) -> str:
    """Return the name that a part is logged under: in a combination two methods may have parts of one name."""
    assert isinstance(term, _Term)
    return f"{term.method.name}.{name}" if method.parts else name


def cross_entropy(output: Output, target_B: Tensor, smoothing: float = 0.0) -> Tensor:
    """Return the cross-entropy of the logits, of two views the sum."""
    ce = functional.cross_entropy(output.logits, target_B, label_smoothing=smoothing)
    if output.strong is None:
        return ce
    return ce + functional.cross_entropy(output.strong, target_B, label_smoothing=smoothing)


def _constant(method: Method, student: Output, teacher: Tensor | Output | None, *, two_views: bool) -> Output:
    """Return the teacher's answers without gradients, in the student's type."""
    if teacher is None:
        raise ValueError(f"'{method.name}' needs a teacher's logits")
    theirs = teacher if isinstance(teacher, Output) else Output(logits=teacher)
    if method.features and not (student.maps and theirs.maps):
        raise ValueError(f"'{method.name}' needs the feature maps of student and teacher")
    if two_views and (student.strong is None or theirs.strong is None):
        raise ValueError(f"'{method.name}' needs the logits of a strong view from student and teacher")
    return _cast(theirs.with_each(Tensor.detach), student.logits.dtype)


def _cast(output: Output, dtype: torch.dtype) -> Output:
    """Return the answers in float32, or in float64 where that is the type asked for."""
    kind = torch.float64 if dtype == torch.float64 else torch.float32
    return output.with_each(lambda one: one.to(kind))


def _standardized(output: Output) -> Output:
    strong = None if output.strong is None else standardize(output.strong)
    return replace(output, logits=standardize(output.logits), strong=strong)
