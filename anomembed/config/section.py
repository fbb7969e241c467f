"""What all sections of the settings are made of: a frozen group of fields, and kinds of values."""

import ast
import inspect
from itertools import pairwise
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from anomembed.config.sentences import plain_errors
from anomembed.errors import ConfigError, is_text, nearest_name

Names = tuple[str, ...]
Share = Annotated[float, Field(gt=0, lt=1)]
MOST = 10**15  # of any whole number: what a double holds exactly, and far more records than there are


def _condition(text: str) -> str:
    if not text.strip():
        raise ValueError("an empty condition selects nothing; leave it out to select all records")
    return text


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:  # also of a folder of zones, and of a path out of them
        from zoneinfo import available_timezones

        raise ValueError(f"no such time zone{nearest_name(name, available_timezones())}") from error
    return name


Condition = Annotated[str, AfterValidator(_condition)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]


def descriptions(section: type[BaseModel]) -> dict[str, str]:
    """Return what each setting of a section means, by name: the docstring below its field.

    Pydantic would read the source for these whenever the settings are imported, which takes as long as all the rest.
    """
    found = {name: field.description for name, field in section.model_fields.items() if field.description}
    (written,) = ast.parse(inspect.getsource(section)).body
    for field, text in pairwise(getattr(written, "body", ())):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            found[field.target.id] = inspect.cleandoc(ast.literal_eval(text.value))
    return found


class Section(BaseModel):
    """A frozen group of settings, whose errors are one sentence wherever it is made."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401
        with plain_errors(type(self)):
            super().__init__(**settings)

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:  # noqa: ANN401, D102
        with plain_errors(cls):
            return super().model_validate(obj, **options)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:  # noqa: ANN401, D102
        with plain_errors(cls):
            return super().model_validate_json(json_data, **options)

    def __setattr__(self, name: str, value: object) -> None:
        raise ConfigError(f"settings are frozen: make another {type(self).__name__} instead of changing {name}")

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> Any:  # noqa: ANN401
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in descriptions(cls).items():
            properties[name]["description"] = text
        return schema

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
        """Refuse what no setting can be, and what pydantic or DuckDB would stumble over later."""
        if isinstance(value, bool) and cls.model_fields[info.field_name or ""].annotation is not bool:
            raise ValueError("true and false are for switches only")
        if any(isinstance(text, str) and not is_text(text) for text in (value if isinstance(value, list) else [value])):
            raise ValueError("text cannot hold a null character or bytes that are no UTF-8")
        return value
