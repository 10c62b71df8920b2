"""Looking into a pydantic model: which keys it has, how deep, and of what kind.

Optional, annotated and tagged types are seen through, since a person who writes a file sees only keys.
"""

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag

ANY_KEY = "*"


def leaves(annotation: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every key that holds a value and no table, with its type.

    Args:
        annotation: a model, or anything that a field may be annotated with.
        path: keys that lead to it; items of a list and of a table with free names are `*`.
    """
    for member in members(annotation):
        inner = bare(member)
        if is_model(inner):
            for name, field in inner.model_fields.items():
                yield from leaves(field.annotation, (*path, name))
        elif any(is_model(bare(held)) for held in members(item(inner))):
            yield from leaves(item(inner), (*path, ANY_KEY))
        else:
            yield path, inner


def item(annotation: Any) -> Any:
    """What a list, a tuple of one kind or a table with free names holds; None for anything else."""
    held = get_args(annotation)
    if get_origin(annotation) not in (dict, list, tuple) or not held:
        return None
    return held[1] if get_origin(annotation) is dict else held[0]


def members(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of a union but None; the annotation alone where it is no union."""
    union = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    if get_origin(union) not in (Union, UnionType):
        return (annotation,)
    return tuple(member for member in get_args(union) if member is not NoneType)


def bare(annotation: Any) -> Any:
    """The annotation without `| None` and `Annotated`."""
    alternatives = members(annotation)
    only = alternatives[0] if len(alternatives) == 1 else annotation
    return get_args(only)[0] if get_origin(only) is Annotated else only


def is_model(annotation: Any) -> bool:
    """Whether it is a table with known keys."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def tagged(annotation: Any, tag: int | str) -> Any:
    """The alternative that pydantic names by this tag; None when there is none."""
    alternatives = members(annotation)
    named = (each for each in alternatives if tag in _tags(each))
    return next(named, None) if len(alternatives) > 1 else None


def _tags(member: Any) -> tuple[str, ...]:
    if get_origin(member) is Annotated:
        return tuple(mark.tag for mark in member.__metadata__ if isinstance(mark, Tag))
    if not is_model(member):
        return ()
    literals = (field.annotation for field in member.model_fields.values())
    return tuple(tag for literal in literals if get_origin(literal) is Literal for tag in get_args(literal))
