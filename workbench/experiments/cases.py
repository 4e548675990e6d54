"""Cases: what every arm is asked. They are read once, one at a time, and written to a file that the record takes over.

So a data set that does not fit into memory is no trouble; of each case only its id stays in memory, because ids must be unique.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from workbench.errors import WorkbenchError
from workbench.experiments.definition import SourceSpec
from workbench.records.experiments import CaseRow

LONGEST: Final = 1_000_000
"""Bytes of a case as JSON."""
_SHAPE: Final = "A case is a mapping of columns, such as {id: q1, question: …, answer: …}."


class CaseError(WorkbenchError):
    """A case cannot be used: the text names it, the hint the way out."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """Cases that wait in a file.

    Attributes:
        path: one JSON object a line.
        ids: in order.
        sha256: of ids and contents.
        columns: of the first case.
    """

    path: Path
    ids: tuple[str, ...]
    sha256: str
    columns: tuple[str, ...]

    def rows(self) -> Iterator[CaseRow]:
        """Yield the cases."""
        with self.path.open(encoding="utf-8") as lines:
            for number, (name, line) in enumerate(zip(self.ids, lines, strict=True)):
                yield CaseRow(number, name, line.rstrip("\n"))


@contextmanager
def spooled(cases: Iterable[Mapping[str, Any]], column: str | None = None) -> Iterator[Spooled]:
    """Write cases to a temporary file, checked; it is gone when the block ends.

    Args:
        cases: mappings of columns.
        column: that names a case; by default `id` where the first case has it, else cases are numbered from 1.

    Raises:
        CaseError: there is none, one is no mapping or too long, holds what JSON cannot, or an id stands twice.
    """
    digest = hashlib.sha256()
    ids: dict[str, int] = {}
    columns: tuple[str, ...] = ()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cases.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for number, given in enumerate(cases, 1):
                case = plain_case(given, number)
                if number == 1:
                    columns = tuple(case)
                    column = column or ("id" if "id" in case else None)
                name = _name(case, column, number)
                if name in ids:
                    raise CaseError(f"case {number} has the id {name!r} of case {ids[name]}", hint="Ids are unique.")
                ids[name] = number
                line = json.dumps(case, ensure_ascii=True)
                if len(line) > LONGEST:
                    raise CaseError(f"case {name} is longer than {LONGEST:,} bytes", hint="Leave columns out.")
                digest.update(f"{json.dumps(name)}:{json.dumps(case, sort_keys=True)}\n".encode())
                file.write(line + "\n")
        if not ids:
            raise CaseError("there are no cases", hint=_SHAPE)
        yield Spooled(path, tuple(ids), digest.hexdigest(), columns)


def read_cases(given: object, folder: Path) -> Iterator[Mapping[str, Any]]:
    """Yield cases of a list, a DataFrame, a file or a data set, one at a time.

    Args:
        given: mappings, a DataFrame, a path, or a `SourceSpec`.
        folder: that paths are relative to.

    Raises:
        CaseError: it cannot be read.
    """
    if isinstance(given, (str, Path)):
        given = SourceSpec(file=str(given))
    if isinstance(given, SourceSpec):
        limit = math.inf if given.limit is None else given.limit
        source = _dataset(given) if given.dataset else _file(folder / str(given.file))
        for number, case in enumerate(source):
            if number >= limit:
                return
            yield case
    elif hasattr(given, "iterrows") and hasattr(given, "columns"):  # a DataFrame, and pandas need not be there
        columns = [str(column) for column in given.columns]
        for values in given.itertuples(index=False, name=None):  # type: ignore[attr-defined]
            yield dict(zip(columns, values, strict=True))
    elif isinstance(given, Iterable) and not isinstance(given, Mapping):
        yield from given
    else:
        raise CaseError(f"{type(given).__name__} holds no cases", hint="Give a list, a DataFrame, or the name of a file.")


def plain_case(given: object, number: int) -> dict[str, Any]:
    """Return a case as JSON values; NaN and missing values of pandas are None.

    Raises:
        CaseError: it is no mapping, or a value is none of JSON's.
    """
    if not isinstance(given, Mapping) or not given:
        raise CaseError(f"case {number} is {str(given)[:60]!r}", hint=_SHAPE)
    return {str(name): _plain(value, number, str(name)) for name, value in given.items()}


def _plain(value: Any, number: int, column: str) -> Any:  # noqa: PLR0911 - a kind of value a line
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _plain(inner, number, column) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner, number, column) for inner in value]
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "tolist"):  # numpy's scalars and arrays
        return _plain(value.tolist(), number, column)
    raise CaseError(f"case {number}: {column} is a {type(value).__name__}", hint="A value is text, number, list or mapping.")


def _name(case: Mapping[str, Any], column: str | None, number: int) -> str:
    if column is None:
        return str(number)
    name = case.get(column)
    if name is None or not str(name).strip():
        raise CaseError(f"case {number} has no {column}", hint="Name each case, or leave `id` out: then they are numbered.")
    return str(name)


def _file(path: Path) -> Iterator[Mapping[str, Any]]:
    readers = {".jsonl": _jsonl, ".json": _json, ".csv": _csv, ".parquet": _parquet}
    if path.suffix not in readers:
        raise CaseError(f"{path} is no file of cases", hint=f"It ends in {', '.join(readers)}.")
    try:
        yield from readers[path.suffix](path)
    except OSError as error:
        raise CaseError(f"{path} cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise CaseError(f"{path}: {error}", hint=_SHAPE) from None


def _jsonl(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield json.loads(line)
                except (json.JSONDecodeError, RecursionError) as error:
                    raise CaseError(f"{path}:{number}: {error}", hint="Each line is a JSON object.") from None


def _json(path: Path) -> Iterator[Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, RecursionError) as error:
        raise CaseError(f"{path}: {error}", hint="The file is a list of objects.") from None
    if not isinstance(found, list):
        raise CaseError(f"{path} is no list of cases", hint=_SHAPE)
    yield from found


def _csv(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            if None in row:
                raise CaseError(f"{path}:{number}: more values than columns", hint="Quote values that hold commas.")
            yield row


def _parquet(path: Path) -> Iterator[Any]:
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise CaseError("Parquet files need the package pyarrow", hint="pip install pyarrow") from None
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1000):
                yield from batch.to_pylist()
    except arrow.ArrowInvalid as error:
        raise CaseError(f"{path} is not a Parquet file: {error}") from None


def _dataset(spec: SourceSpec) -> Iterator[Any]:
    try:
        load_dataset = import_module("datasets").load_dataset
    except ImportError:
        raise CaseError("Hugging Face data sets need the package datasets", hint="pip install datasets") from None
    try:
        yield from load_dataset(spec.dataset, spec.config, split=spec.split, revision=spec.revision, streaming=True)
    except Exception as error:
        raise CaseError(f"data set {spec.dataset}: {type(error).__name__}: {error}") from error
