"""What two networks say of the places of an image: their classifiers on the map before it is averaged.

Shapes: B = batch, C = classes, D = width of the map, H = height, W = width, N = regions.
"""

import torch
from torch import Tensor, nn

from trainers.methods.cat_kd import cat_kd_loss
from trainers.methods.record.method import Values
from trainers.methods.record.outputs import Head, Output, Setting, TermValue
from trainers.methods.sdd import sdd_loss
from trainers.methods.terms.layers import final
from trainers.methods.terms.places import cells, logits_of_places


class Regions(nn.Module):
    """SDD: logits of cells of the map."""

    def __init__(self, values: Values, setting: Setting) -> None:
        super().__init__()
        self._heads = setting.both_heads("sdd")
        self._grids = [int(grid) for grid in values["grids"]]
        own = ("alpha", "beta") if values["form"] == "dkd" else ("gamma",)
        self._settings = {name: values[name] for name in ("temperature", "disagreeing", "form", *own)}

    def forward(self, student: Output, teacher: Output, target_B: Tensor, _epoch: int) -> TermValue:
        both = zip((student, teacher), self._heads, strict=True)
        ours, theirs = (self._of_regions(one, head) for one, head in both)
        loss = sdd_loss(ours, theirs, target_B, **self._settings)
        return loss, {"sdd": loss.detach()}

    def _of_regions(self, output: Output, head: Head) -> Tensor:
        """Return the logits [B, C, N]; those of the whole image are the network's own."""
        whole = output.logits[..., None]
        if len(self._grids) == 1:
            return whole
        map_BDHW, (weight, bias) = final("sdd", output), head()
        if weight.shape[1] == map_BDHW.shape[1]:  # what it says of an average is the average of what it says
            regions = torch.cat([cells(map_BDHW, grid) for grid in self._grids[1:]], 2)[..., None]
            found = logits_of_places(regions, weight, bias).squeeze(3)
        else:
            places = logits_of_places(map_BDHW, weight, bias)
            found = torch.cat([cells(places, grid) for grid in self._grids[1:]], 2)
        return torch.cat([whole, found], 2)


class Activations(nn.Module):
    """CAT-KD: class activation maps."""

    def __init__(self, values: Values, setting: Setting) -> None:
        super().__init__()
        self._heads = setting.both_heads("cat_kd")
        self._settings = {name: values[name] for name in ("resolution", "normalize")}

    def forward(self, student: Output, teacher: Output, _target_B: Tensor, _epoch: int) -> TermValue:
        both = zip((student, teacher), self._heads, strict=True)
        ours, theirs = (logits_of_places(final("cat_kd", one), *head()) for one, head in both)
        loss = cat_kd_loss(ours, theirs, **self._settings)
        return loss, {"cat_kd": loss.detach()}
