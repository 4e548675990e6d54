"""LangChain in and out: its chat models speak in dialogues, and ours speak in its chains.

In: a `BaseChatModel` stands wherever a model can; `card` makes a card that carries it, and `providers.langchain` asks it.
Out: `chat` has `ChatWorkbench`, a `BaseChatModel` that asks one of our models; `Model.to_langchain` makes one. Only `chat` and
the provider import LangChain, which is the extra `langchain`.
"""

from workbench.models.langchain.card import ChatCard, chat_card

__all__ = ["ChatCard", "chat_card"]
