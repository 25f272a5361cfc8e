"""What metrics come to, with their protocols, and the refusal to compare what is not alike."""

import importlib.metadata
import pathlib
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

import gan_jax
from gan_jax.errors import InputError
from gan_jax.loop import Eval
from gan_jax.progress import moments
from gan_jax.sampling import Sampler

CORE = 'frechet, kernel_distance, class_score, prdc, two_sample'


class Measured(NamedTuple):
  """What a metric came to."""

  values: dict[str, float]
  pictures: dict[str, np.ndarray]  # uint8[H,W,C], or frames uint8[T,H,W,C]
  protocol: dict[str, Any]
  seconds: float


def measure(
  evals: Iterable[Eval], sampler: Sampler, source: Callable, keys: Sequence[jax.Array]
) -> Iterator[tuple[str, Measured | InputError]]:
  """Each metric as it is done, or why it cannot be had; with several keys, several draws.

  Of several draws a value is the mean, and '<value>_sd' the deviation between them.
  """
  for each in evals:
    began = time.perf_counter()
    try:
      found = [dict(each.function(sampler, source, key, **each.options)) for key in keys]
    except InputError as error:
      yield each.name, error
      continue
    protocol = dict(found[0].pop('protocol', {}))
    if len(keys) > 1:
      protocol['draws'] = len(keys)
    pictures = {name: v for name, v in found[0].items() if np.ndim(v) > 2}
    values: dict[str, float] = {}
    for name in found[0].keys() - pictures.keys():
      values[name], sd = moments([float(one[name]) for one in found])
      if sd is not None:
        values[f'{name}_sd'] = sd
    order = [n for one in found[0] for n in (one, f'{one}_sd') if n in values]
    took = time.perf_counter() - began
    yield each.name, Measured({n: values[n] for n in order}, pictures, protocol, took)


def record(of: Mapping[str, Any], found: Mapping[str, Measured]) -> dict[str, Any]:
  """JSON: what was measured, on what, by which code."""
  metrics = {
    name: dict(values=m.values, protocol=m.protocol, seconds=round(m.seconds, 2))
    for name, m in found.items()
  }
  return dict(of=dict(of), code=code(), metrics=metrics)


def code() -> dict[str, str]:
  """The revision of the code that measures, as far as it knows it, and the versions below it."""
  folder = pathlib.Path(gan_jax.__file__).parent
  git = ['git', '-C', str(folder), 'describe', '--always', '--dirty']
  try:
    revision = subprocess.run(git, capture_output=True, text=True, timeout=10).stdout.strip()
  except (OSError, subprocess.TimeoutExpired):
    revision = ''
  versions = {name: importlib.metadata.version(name) for name in ('jax', 'flax', 'numpy')}
  return dict(gan_jax=gan_jax.__version__, revision=revision or 'unknown', **versions)


def compared(records: Mapping[str, Mapping[str, Any]], but: Sequence[str] = ()) -> list[list[str]]:
  """Rows of a table: one for each value that all records have, one column for each record.

  records: title -> what `record` made. Raises InputError where the protocols of a metric differ,
  naming what differs; `but` are the facts that may.
  """
  titles = list(records)
  shared = [m for m in records[titles[0]]['metrics'] if _in_all(m, records)]
  if not shared:
    raise InputError(f'{", ".join(titles)} have no metric in common.')
  rows = [['', *titles]]
  for name in shared:
    of = [records[t]['metrics'][name] for t in titles]
    _check_alike(name, titles, [one['protocol'] for one in of], but)
    for value in of[0]['values']:
      label = name if value == name else f'{name}/{value}'
      rows.append([label, *(f'{one["values"].get(value, np.nan):.6g}' for one in of)])
  return rows


def table(rows: Sequence[Sequence[str]]) -> str:
  """Rows, the first of them the head, in columns that line up."""
  widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
  line = lambda row: '  '.join(
    [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
  ).rstrip()
  return '\n'.join(map(line, rows))


def _check_alike(
  name: str, titles: Sequence[str], protocols: Sequence[Mapping[str, Any]], but: Sequence[str]
) -> None:
  first = protocols[0]
  for title, other in zip(titles[1:], protocols[1:], strict=True):
    differ = [
      f'{key} is {first.get(key, "unsaid")!r} in {titles[0]} and {other.get(key, "unsaid")!r} in '
      f'{title}'
      for key in {**first, **other}
      if first.get(key) != other.get(key) and key not in but
    ]
    if differ:
      raise InputError(
        f'these two {name} are not to be compared: {"; ".join(differ)}. Measure both '
        'alike, or name what may differ in --but.'
      )


def _in_all(metric: str, records: Mapping[str, Mapping[str, Any]]) -> bool:
  return all(metric in one['metrics'] for one in records.values())
