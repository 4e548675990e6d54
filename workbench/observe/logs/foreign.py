"""Other packages' loggers: quiet, and with keys blanked where somebody turns them up.

HTTP clients log every address, and some providers take the key in the address.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Final

from workbench.errors import redact

_TALKATIVE: Final = (
    "httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "LiteLLM",
    "LiteLLM Proxy", "LiteLLM Router", "openai", "openai._base_client", "anthropic", "anthropic._base_client",
)  # fmt: skip


@cache
def quiet_others() -> None:
    """Let them say warnings at least, unless a level was set for them, and blank what they say. Once a process."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET and "." not in name:
            logger.setLevel(logging.WARNING)
        logger.addFilter(_blanked)


def _blanked(record: logging.LogRecord) -> bool:
    try:
        said = record.getMessage()
    except (TypeError, ValueError):  # arguments that do not fit: logging itself complains of them
        return True
    if (blank := redact(said)) != said:
        record.msg, record.args = blank, None
    return True
