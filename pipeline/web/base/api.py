"""What programs may send to a route and what it answers, declared beside it, and all of it as one OpenAPI 3.1 document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import JsonSchemaMode, models_json_schema

JSON: Final = "application/json"
MULTIPART: Final = "multipart/form-data"
_PAGE: Final = {"text/html": {"schema": {"type": "string"}}}
_REF: Final = "#/components/schemas/{model}"


class Told(BaseModel):
    """Base of what is answered: nothing beside its fields."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Api:
    """`answers`: status → the shape of its JSON; None: a page in words. `takes`: the shape of a body; `headers`: those that must come."""

    answers: Mapping[int, type[BaseModel] | None]
    takes: type[BaseModel] | None = None
    media_type: str = JSON
    headers: tuple[str, ...] = ()


def document(title: str, operations: Iterable[tuple[str, str, Api]]) -> dict[str, Any]:
    """The OpenAPI document of (method, path, what is declared of it)."""
    known = list(operations)
    shapes: dict[type[BaseModel], JsonSchemaMode] = {}
    for _, _, api in known:
        shapes |= {model: "serialization" for model in api.answers.values() if model}
        shapes |= {api.takes: "validation"} if api.takes else {}
    _, definitions = models_json_schema(list(shapes.items()), ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for method, path, api in known:
        paths.setdefault(path, {})[method.lower()] = _operation(api)
    schemas = {"schemas": definitions.get("$defs", {})}
    return {"openapi": "3.1.0", "info": {"title": title, "version": "1"}, "paths": paths, "components": schemas}


def _operation(api: Api) -> dict[str, Any]:
    told: dict[str, Any] = {
        "responses": {
            str(status): {"description": str(status), "content": _PAGE if model is None else _content(JSON, model)}
            for status, model in api.answers.items()
        }
    }
    if api.headers:
        told["parameters"] = [{"name": name, "in": "header", "required": True, "schema": {"type": "string"}} for name in api.headers]
    if api.takes is not None:
        told["requestBody"] = {"required": True, "content": _content(api.media_type, api.takes)}
    return told


def _content(media_type: str, model: type[BaseModel]) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": _REF.format(model=model.__name__)}}}
