"""What a sweep comes to: a table with mean and spread over the seeds, and its plots.

results.csv    a line for each trial: overrides, how it stands, the last of each number, its cost
results.md     a line for each group of trials that differ in their seed alone; before them, if the
               sweep says rows and columns, the best of each place
results.html   the same, to be opened in a browser, with the plots
metric.png     the metric by what the sweep puts in rows and columns
compute.png    the metric over the seconds that training took
"""

import base64
import csv
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gan_jax import assemble, log, pages, runs
from gan_jax import step as steps
from gan_jax.progress import duration, moments
from gan_jax.sweeps import book, plots

SEED = 'seed'
UNTOLD = 'step', 'images_per_second'  # of a log, what is no result


class Result(NamedTuple):
  """What became of a trial."""

  name: str
  overrides: dict[str, Any]
  state: str
  attempts: int
  said: str  # the last that was heard of it
  values: dict[str, float]  # the last of each number in its log
  course: tuple[np.ndarray, np.ndarray]  # seconds f[T] of training, the metric f[T]

  @property
  def seconds(self) -> float:
    """Of training, as far as the log tells."""
    return float(self.course[0][-1]) if len(self.course[0]) else 0.0


class Group(NamedTuple):
  """Trials that differ in their seed alone."""

  overrides: dict[str, Any]
  results: list[Result]

  def spread(self, name: str) -> tuple[float, float | None, int]:
    """Mean, standard deviation (None of one) and number of the trials that have this number."""
    values = [r.values[name] for r in self.results if r.state == 'done' and name in r.values]
    return (*moments(values), len(values)) if values else (float('nan'), None, 0)


def close(workdir: pathlib.Path, sweep: book.Sweep) -> Iterator[str]:
  """Writes the table and the plots; yields the table's lines, what failed, and where it all is."""
  found = [result(workdir, name, sweep) for name in sweep.trials]
  groups = grouped(found)
  rows = table(groups, sweep)
  _csv(workdir / 'results.csv', found)
  table_of = crossed(groups, sweep)
  lines = [_best(sweep), '', *markdown(table_of), ''] if table_of else []
  (workdir / 'results.md').write_text('\n'.join([*lines, *markdown(rows)]) + '\n')
  pictures = list(plots.draw(workdir, groups, sweep))
  failed = [f'{r.name}: {r.said}' for r in found if r.state == 'failed']
  (workdir / 'results.html').write_text(page(sweep, rows, table_of, failed, pictures))
  yield from _lined_up(rows)
  states = [r.state for r in found]
  told = ', '.join(f'{states.count(s)} {s}' for s in dict.fromkeys(sorted(states)))
  spent = sum(r.seconds for r in found)
  yield f'trials   {told}; {duration(spent)} of training'
  yield from (f'failed   {line}' for line in failed)
  yield f'wrote    {workdir}/results.csv, .md, .html'


def result(workdir: pathlib.Path, name: str, sweep: book.Sweep) -> Result:
  """What a trial's folder tells."""
  told = book.standing(workdir, name)
  entries = log.read(workdir / book.FOLDER / name)
  values = {k: float(v) for entry in entries for k, v in entry.items() if k not in UNTOLD}
  said = told['attempts'][-1].get('said', '') if told['attempts'] else ''
  return Result(name, sweep.trials[name], told['state'], len(told['attempts']), said, values,
                _course(workdir / book.FOLDER / name, entries, sweep.metric))  # fmt: skip


def grouped(results: Sequence[Result]) -> list[Group]:
  """The trials that differ in their seed alone, group by group, as they come."""
  groups: dict[str, Group] = {}
  for one in results:
    others = {key: value for key, value in one.overrides.items() if key.split('.')[-1] != SEED}
    groups.setdefault(repr(sorted(others.items())), Group(others, [])).results.append(one)
  return list(groups.values())


def table(groups: Sequence[Group], sweep: book.Sweep) -> list[list[str]]:
  """Rows of words, the first of them the head; the best group first if a metric is named."""
  keys = list(dict.fromkeys(key for group in groups for key in group.overrides))
  told = lambda key: len({repr(group.overrides.get(key)) for group in groups}) > 1
  keys = list(filter(told, keys)) or keys  # what all have in common tells no two apart
  known = {name for g in groups for r in g.results if r.state == 'done' for name in r.values}
  shown = lambda n: n == sweep.metric or n.endswith('/loss') or n.split('/')[0] in sweep.evals
  names = sorted(filter(shown, known), key=lambda n: (n != sweep.metric, n))
  sign = -1 if sweep.better == 'more' else 1
  rank = lambda g: (np.isnan(m := g.spread(sweep.metric)[0]), sign * m)
  ordered = sorted(groups, key=rank) if sweep.metric else list(groups)
  head = [*(key.lstrip(':') for key in keys), 'trials', *names, 'seconds']
  return [head, *(_cells(group, keys, names) for group in ordered)]


def markdown(rows: Sequence[Sequence[str]]) -> Iterator[str]:
  """The lines of a Markdown table."""
  yield f'| {" | ".join(rows[0])} |'
  yield f'|{"---|" * len(rows[0])}'
  yield from (f'| {" | ".join(row)} |' for row in rows[1:])


def crossed(groups: Sequence[Group], sweep: book.Sweep) -> list[list[str]]:
  """What the sweep puts in rows, by what it puts in columns: the best of each place, or nothing."""
  placed = plots.places(groups, sweep) if sweep.rows and sweep.columns else {}
  across = list(dict.fromkeys(column for _, column in placed))
  words = lambda keys: ', '.join(key.lstrip(':') for key in keys)
  rows = [[f'{words(sweep.rows)} \\ {words(sweep.columns)}', *across]] if placed else []
  for row in dict.fromkeys(row for row, _ in placed):
    cells = [placed.get((row, column)) for column in across]
    rows.append([row, *(_spread(*own[0].spread(sweep.metric)) if own else '-' for own in cells)])
  return rows


def _best(sweep: book.Sweep) -> str:
  return f'{sweep.metric}, {sweep.better} is better: the best of each'


def page(
  sweep: book.Sweep,
  rows: Sequence[Sequence[str]],
  table_of: Sequence[Sequence[str]],
  failed: Sequence[str],
  pictures: Sequence[pathlib.Path],
) -> str:
  """One self-contained HTML page."""
  data = [dict(name=p.stem, data=base64.b64encode(p.read_bytes()).decode()) for p in pictures]
  return pages.template(pathlib.Path(__file__).with_name('results.html')).render(
    title=sweep.config, rows=rows, crossed=table_of, best=_best(sweep), failed=failed, pictures=data
  )


def _cells(group: Group, keys: Sequence[str], names: Sequence[str]) -> list[str]:
  done = sum(r.state == 'done' for r in group.results)
  count = str(done) if done == len(group.results) else f'{done} of {len(group.results)}'
  seconds = moments([r.seconds for r in group.results])[0]
  own = [str(group.overrides.get(key, '')) for key in keys]
  return [*own, count, *(_spread(*group.spread(name)) for name in names), f'{seconds:.0f}']


def _spread(mean: float, sd: float | None, n: int) -> str:
  if not n:
    return '-'
  return f'{mean:.4g}' if sd is None else f'{mean:.4g} ± {sd:.2g}'


def _course(
  folder: pathlib.Path, entries: Sequence[Mapping[str, Any]], metric: str
) -> tuple[np.ndarray, np.ndarray]:
  """(seconds of training, metric) wherever it was measured; the seconds from the rates logged."""
  images = _images_a_round(folder / 'config.json')
  seconds, last, clock, found = 0.0, 0, [], []
  for entry in entries:
    rate, step = entry.get('images_per_second'), int(entry['step'])
    if rate:
      seconds, last = seconds + (step - last) * images / rate, step
    if metric in entry:
      clock.append(seconds)
      found.append(float(entry[metric]))
  if not found and seconds:
    clock, found = [seconds], [float('nan')]
  return np.array(clock), np.array(found)


def _images_a_round(path: pathlib.Path) -> int:
  if not path.exists():
    return 0
  config = runs.read_json(path)
  moves, options = assemble.play(config)
  return int(config['batch']) * steps.minibatches(moves, **options)


def _csv(path: pathlib.Path, results: Sequence[Result]) -> None:
  keys = list(dict.fromkeys(key for r in results for key in r.overrides))
  names = sorted({name for r in results for name in r.values})
  with path.open('w', newline='') as file:
    out = csv.writer(file)
    out.writerow(['trial', *keys, 'state', 'attempts', 'seconds', *names])
    for r in results:
      own = [r.overrides.get(key, '') for key in keys]
      numbers = [r.values.get(name, '') for name in names]
      out.writerow([r.name, *own, r.state, r.attempts, f'{r.seconds:.1f}', *numbers])


def _lined_up(rows: Sequence[Sequence[str]]) -> Iterator[str]:
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  for row in rows:
    yield '  '.join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
