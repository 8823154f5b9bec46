"""How long messages take between an agent and a venue."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import BeforeValidator, Field, model_validator

from gammagym.quantities import Model, Problems, format_duration, parse_duration
from gammagym.venues.units import Delay
from gammagym.world.sizes import LATENCY_SAMPLES, LONGEST_LATENCY_NS


class Latency(Model):
    """How long messages take on one way: a median or a table of samples, and jitter on top."""

    median: Delay | None = Field(
        default=None, description="constant without sigma, else median of a lognormal"
    )
    sigma: float = Field(
        default=0.0, ge=0, le=3, description="lognormal: standard deviation of the logarithm"
    )
    minimum: Delay = Field(
        default=0, description="lognormal: floor; what varies is the part of the median above it"
    )
    samples: tuple[Delay, ...] | None = Field(
        default=None,
        strict=False,
        min_length=1,
        max_length=LATENCY_SAMPLES,
        description=f"instead of a median: a list of up to {LATENCY_SAMPLES}, equally likely",
    )
    jitter: Delay = Field(default=0, description="added on top, uniform from nothing to this")

    @model_validator(mode="after")
    def _is_a_median_or_a_table(self) -> Latency:
        problems = Problems(self)
        if self.samples is None:
            problems.need("median", 'a latency needs a median, such as "20ms", or samples')
            if self.median is not None and self.minimum > self.median:
                problems.add("minimum", f"must be <= the median, {format_duration(self.median)}")
        else:
            problems.forbid("median", "a table of samples has none")
            if self.sigma:
                problems.add("sigma", "must not be given: a table of samples has none")
            if self.minimum:
                problems.add("minimum", "must not be given: a table of samples has none")
        problems.raise_if_any()
        return self


def _parse_latency(value: object) -> Any:
    """Read a duration as a latency that does not vary; a table is for the model to read."""
    if isinstance(value, dict | Latency):
        return cast(Any, value)
    if parse_duration(value) > LONGEST_LATENCY_NS:
        raise ValueError(f"must be <= {format_duration(LONGEST_LATENCY_NS)}")
    return {"median": value}


Way = Annotated[Latency, BeforeValidator(_parse_latency, json_schema_input_type=str | Latency)]
