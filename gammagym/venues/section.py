"""A table of a venue file: all its problems are told at once.

Pydantic checks rules across keys only once every key by itself is right. Somebody who mends a file
would then meet the next problem after each repair, so a section checks its rules in any case, each
one where the keys it needs are right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Self, TypeVar, cast

from pydantic import (
    BaseModel,
    ModelWrapValidatorHandler,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from gammagym.quantities import Model, Problems

Method = TypeVar("Method", bound=Callable[..., None])
_MARK = "_is_rule"


def rule(method: Method) -> Method:
    """Mark a method of a section as a rule: it adds what is wrong to the problems it is given."""
    setattr(method, _MARK, True)
    return method


class Section(Model):
    """Base of the tables of a venue file; its methods marked as rules are checked on loading."""

    @model_validator(mode="wrap")
    @classmethod
    def _tell_every_problem(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        details: list[InitErrorDetails] = []
        try:
            section = handler(value)
        except ValidationError as error:
            if not isinstance(value, Mapping):
                raise
            details = [_again(item) for item in error.errors()]
            section = cls._with_what_is_right(cast("Mapping[str, Any]", value), error)
        details += section._broken_rules(partial=bool(details))
        if details:
            raise ValidationError.from_exception_data(cls.__name__, details)
        section.complete()
        return section

    def complete(self) -> None:
        """Fill in what follows from the keys that were given; called once they are right."""

    def _broken_rules(self, *, partial: bool) -> list[InitErrorDetails]:
        problems = Problems(self)
        for check in _rules(type(self)):
            try:
                check(self, problems)
            except AttributeError:  # the rule needs a key that is wrong itself
                if not partial:
                    raise
        return problems.details

    @classmethod
    def _with_what_is_right(cls, table: Mapping[str, Any], error: ValidationError) -> Self:
        """Return an unfinished section without the keys that are wrong or missing."""
        wrong = {item["loc"][0] for item in error.errors() if item["loc"]}
        right: dict[str, Any] = {
            name: getattr(_alone(cls, name).model_validate({name: table[name]}), name)
            for name in cls.model_fields
            if name in table and name not in wrong
        }
        section = cls.model_construct(set(right), **right)
        for name in wrong:
            vars(section).pop(str(name), None)
        return section


def _rules(model: type[BaseModel]) -> Iterator[Callable[[Any, Problems], None]]:
    methods = {name: one for base in reversed(model.__mro__) for name, one in vars(base).items()}
    return (method for method in methods.values() if getattr(method, _MARK, False))


@cache
def _alone(model: type[BaseModel], name: str) -> type[BaseModel]:
    """Return a model of one field, to read it where the others do not let the whole be read."""
    field = model.model_fields[name]
    fields: dict[str, Any] = {name: (field.annotation, field)}
    return create_model(f"{model.__name__}.{name}", __base__=Model, **fields)


def _again(item: ErrorDetails) -> InitErrorDetails:
    """Return a problem that was found, ready to be raised again."""
    context = item.get("ctx", {})
    kind = item["type"]
    again = PydanticCustomError(kind, "{message}", context) if kind == "rule" else kind
    return InitErrorDetails(type=again, loc=item["loc"], input=item["input"], ctx=context)
