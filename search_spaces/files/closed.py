"""What every mapping of a sweep file is."""

from pydantic import BaseModel, ConfigDict


class Closed(BaseModel):
    """A mapping with known keys only."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)
