"""The settings: their defaults and bounds in `sections`, reading them in `loading`, their errors in `sentences`.

A configuration is a TOML file with one table per section, or keyword arguments of `Config`. An unknown name is an error
that offers the nearest known one. Names are imported when they are first used, as pydantic takes long to load.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anomembed.config.loading import load_config as load_config
    from anomembed.config.loading import make_config as make_config
    from anomembed.config.loading import merge as merge
    from anomembed.config.monitoring import ChannelConfig as ChannelConfig
    from anomembed.config.monitoring import MonitorConfig as MonitorConfig
    from anomembed.config.sections import Config as Config
    from anomembed.config.sections import DetectorConfig as DetectorConfig
    from anomembed.config.sections import EmbeddingConfig as EmbeddingConfig
    from anomembed.config.sections import FlagsConfig as FlagsConfig
    from anomembed.config.sections import ReferenceConfig as ReferenceConfig
    from anomembed.config.sections import RolesConfig as RolesConfig
    from anomembed.config.sections import SequenceConfig as SequenceConfig
    from anomembed.config.sections import SourceConfig as SourceConfig
    from anomembed.config.sections import StoreConfig as StoreConfig
    from anomembed.config.sections import TokensConfig as TokensConfig

_LOADING = ("load_config", "make_config", "merge")
_MONITORING = ("ChannelConfig", "MonitorConfig")


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name in _LOADING:
        return getattr(import_module(f"{__name__}.loading"), name)
    if name.endswith("Config"):
        home = "monitoring" if name in _MONITORING else "sections"
        return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
