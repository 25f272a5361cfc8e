"""What was measured of a run, and of several what may stand in one table."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gan_jax import measuring
from gan_jax.errors import InputError
from gan_jax.report.told import Told, looked_at


class Metric(NamedTuple):
  """A metric and how it came to be."""

  name: str
  rows: list[tuple[str, str]]  # (value, what it is, with its error if it has one)
  protocol: list[tuple[str, str]]
  round: int
  code: str  # the revision that measured, if it was said


def measured(told: Told) -> list[Metric]:
  """By `gan_jax.evaluate`, of the newest of the evaluations."""
  if not told.evaluation:
    return []
  round_ = told.evaluation.get('of', {}).get('round', 0)
  code = told.evaluation.get('code', {}).get('revision', '')
  return [
    Metric(name, rows(name, one['values']), _told(one.get('protocol')), round_, code)
    for name, one in told.evaluation['metrics'].items()
  ]


def during(told: Told) -> list[Metric]:
  """By the evals of the config, at their last look."""
  return [
    Metric(name, rows(name, one['values']), _told(one['protocol']), one['round'], '')
    for name, one in looked_at(told).items()
  ]


def rows(name: str, values: Mapping[str, float]) -> list[tuple[str, str]]:
  """The values with their errors beside them: 'frechet' with 'stderr', 'recall' with its own."""
  main = name if name in values else next(iter(values), '')
  own = {v: next((e for e in (f'{v}_stderr', f'{v}_sd', 'stderr' if v == main else '')
                  if e in values and e != v), None) for v in values}  # fmt: skip
  errors = {e for e in own.values() if e}
  return [
    (v, number(x, values[e] if (e := own[v]) else None))
    for v, x in values.items()
    if v not in errors
  ]


def number(value: float, error: float | None = None) -> str:
  """0.0334 ± 0.0059: the error to two digits, and the value to its last; five digits of others."""
  if error is None or not (math.isfinite(error) and math.isfinite(value)) or error <= 0:
    return f'{value:.5g}'
  places = max(0, 1 - math.floor(math.log10(error)))
  return f'{value:.{places}f} ± {error:.{places}f}'


def side_by_side(toldest: Sequence[Told]) -> tuple[list[list[str]], list[str]]:
  """(a table of the metrics that two or more have by one protocol, sentences on the others).

  A row for each value, a column for each run, '–' where it has none.
  """
  table: list[list[str]] = []
  why: list[str] = []
  for source, when in ((_evaluated, ''), (_looked, ' in training')):
    each = {told.title: source(told) for told in toldest}
    for name in dict.fromkeys(n for one in each.values() for n in one):
      having = {title: one[name] for title, one in each.items() if name in one}
      if len(having) < 2:
        why.append(f'{name}{when} is known of {next(iter(having))} alone.')
        continue
      try:
        measuring.compared({t: dict(metrics={name: one}) for t, one in having.items()})
      except InputError as error:
        why.append(str(error))
        continue
      table += _rows(name, when, [told.title for told in toldest], having)
  return table, why


def _rows(
  name: str, when: str, titles: Sequence[str], having: Mapping[str, Mapping[str, Any]]
) -> list[list[str]]:
  """As `measuring.compared`, but with errors beside values, and rounds."""
  each = {title: dict(rows(name, one['values'])) for title, one in having.items()}
  values = dict.fromkeys(v for one in each.values() for v in one)
  label = lambda v: (name if v == name else f'{name}/{v}') + when
  out = [[label(v), *(each.get(t, {}).get(v, '–') for t in titles)] for v in values]
  played = [having[t]['round'] if t in having else None for t in titles]
  said = ['–' if r is None else f'{r:,}' for r in played]
  return [*out, [f'{name}{when}: of round', *said]]


def _evaluated(told: Told) -> dict[str, dict[str, Any]]:
  if not told.evaluation:
    return {}
  round_ = told.evaluation.get('of', {}).get('round', 0)
  return {
    name: dict(values=one['values'], protocol=one.get('protocol') or {}, round=round_)
    for name, one in told.evaluation['metrics'].items()
  }


def _looked(told: Told) -> dict[str, dict[str, Any]]:
  """Of one that tells no protocol, what the config asks for stands for it."""
  specs = told.config.get('evals', {})
  asked = lambda name: {k: v for k, v in specs.get(name, {}).items() if k != 'every'}
  return {
    name: {**one, 'protocol': asked(name) if one['protocol'] is None else one['protocol']}
    for name, one in looked_at(told).items()
  }


def _told(protocol: Mapping[str, Any] | None) -> list[tuple[str, str]]:
  return [(key.replace('_', ' '), str(value)) for key, value in (protocol or {}).items()]
