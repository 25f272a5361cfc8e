"""Which examples: `train`, `train[:50000]`, `train[10%:]`, `train+test`, as TFDS says it."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from gan_jax.data.source import Source
from gan_jax.errors import InputError

_PART = re.compile(r'\s*([\w.\-]+)\s*(?:\[\s*(-?\d+%?)?\s*:\s*(-?\d+%?)?\s*\])?\s*')


class Part(NamedTuple):
  """One term of a split: `name[start:stop]`; a bound is None, '50000', '-100' or '10%'."""

  name: str
  start: str | None
  stop: str | None


def parse(split: str) -> tuple[Part, ...]:
  """'train[:10%]+test' -> its parts. InputError for what is not of that form."""
  found = [_PART.fullmatch(part) for part in str(split).split('+')]
  if not all(found):
    raise InputError(
      f"split={split!r} is not understood; right would be 'train', 'train[:50000]', 'train[10%:]' "
      f"or 'train+test'"
    )
  return tuple(Part(*match.groups()) for match in found if match)


def bounds(part: Part, n: int) -> tuple[int, int]:
  """The rows that a part names in a split of n examples: (start, stop), 0 <= start < stop <= n.

  A percentage is rounded to the nearest example, so that 'train[:10%]' and 'train[10%:]' are
  disjoint and complete, with the same rows as in tensorflow-datasets.
  """
  start, stop = _row(part.start, 0, n), _row(part.stop, n, n)
  if not 0 <= start < stop <= n:
    raise InputError(
      f'split {_text(part)!r} names no example or more than there are: {part.name!r} has {n}'
    )
  return start, stop


def select(split: str, known: Sequence[str], read: Callable[[str], Source], of: str) -> Source:
  """The rows that `split` names, from the splits that `read(name)` gives whole.

  A single slice of a memory-mapped array stays a memory-mapped view; only `a+b` copies. Columns
  that not every part has are left out. Where the parts' metas differ, `meta` holds one value per
  part, keyed by its name.

  Args:
    split: see `parse`.
    known: the names that `read` knows.
    read: name -> the whole split; called once per name.
    of: what the splits are of, for the error.
  """
  parts = parse(split)
  for part in parts:
    if part.name not in known:
      raise InputError(f'{of} has no split {part.name!r}; it has {", ".join(known)}')
  whole = {part.name: read(part.name) for part in parts}
  cuts = []
  for part in parts:
    rows = slice(*bounds(part, len(whole[part.name])))
    cuts.append({k: v[rows] for k, v in whole[part.name].arrays.items()})
  columns = [c for c in cuts[0] if all(c in cut for cut in cuts)]
  if len(shapes := {cut['image'].shape[1:] for cut in cuts}) > 1:
    raise InputError(f'the parts of split={split!r} of {of} differ in shape: {sorted(shapes)}')
  arrays = {c: _join([cut[c] for cut in cuts]) for c in columns}
  return Source(
    arrays, _merge({name: dict(s.meta) for name, s in whole.items()}) | {'split': split}
  )


def _row(bound: str | None, default: int, n: int) -> int:
  if bound is None:
    return default
  row = round(int(bound[:-1]) * n / 100) if bound.endswith('%') else int(bound)
  return row + n if row < 0 else row


def _text(part: Part) -> str:
  return part.name + ('' if part[1:] == (None, None) else f'[{part.start or ""}:{part.stop or ""}]')


def _join(arrays: list[np.ndarray]) -> np.ndarray:
  return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _merge(metas: dict[str, dict[str, Any]]) -> dict[str, Any]:
  first = next(iter(metas.values()))
  keys = dict.fromkeys(k for meta in metas.values() for k in meta)
  same = {k: all(meta.get(k) == first.get(k) for meta in metas.values()) for k in keys}
  return {k: first[k] if same[k] else {n: m.get(k) for n, m in metas.items()} for k in keys}
