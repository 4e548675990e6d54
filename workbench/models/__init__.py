"""Who can speak: model cards, the registry of them, and the client that calls them.

`card` says what is declared about a model, `registry` which there are, `model` is the interface that users hold, `client`
does the work behind it (limits, retries, breakers, fallbacks) and `providers` speak the protocols.
"""

from workbench.models.card import ModelCard, Prices
from workbench.models.client import Client
from workbench.models.completion import Completion
from workbench.models.model import Model, ModelConfig
from workbench.models.provider import Chunk, Provider, Request, Sampling
from workbench.models.registry import ModelRegistry

__all__ = [
    "Chunk",
    "Client",
    "Completion",
    "Model",
    "ModelCard",
    "ModelConfig",
    "ModelRegistry",
    "Prices",
    "Provider",
    "Request",
    "Sampling",
]
