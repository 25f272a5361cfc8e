"""From the seconds to the report: Markdown."""

import argparse
from statistics import median
from typing import Any, NamedTuple

import cases
import contenders
import flops


class Measured(NamedTuple):
  """One job's numbers; the dicts are keyed by contender."""

  job: cases.Job
  ready: dict[str, dict[str, Any]]  # what each said when it was warm
  seconds: dict[str, list[float]]  # of a step, one per repeat
  left_out: dict[str, str]  # and why
  idle: dict[str, float]  # the largest share of a core that it took while it waited


class Ratio(NamedTuple):
  """A rival's time over ours: of the medians, and the least and the greatest of single repeats."""

  median: float
  least: float
  greatest: float


def heading(argv: list[str], options: argparse.Namespace) -> str:
  """The title, the command, and how to read the tables."""
  return f"""# Benchmarks

`{' '.join(['python experiments/benchmarks/compare.py', *argv])}`

All contenders of a table ran side by side in one run and took {options.repeats} turns each, of
{options.seconds:g} s or more. A ratio is a rival's time over gan_jax's, so above 1 gan_jax is the
faster: of the medians, and in brackets the least and the greatest of single turns. Loading data is
part of every step. FLOPs are those of the products alone, counted on paper (`flops.py`), and their
share is of what one large product reached in the same run with the same library. Warm-up is
imports, data, compilation and the first call; torch.compile keeps a cache on disk between runs."""


def ratio(rival: list[float], ours: list[float]) -> Ratio:
  """Of two lists of seconds whose i-th entries were taken one after the other."""
  single = [r / o for r, o in zip(rival, ours, strict=True)]
  return Ratio(median(rival) / median(ours), min(single), max(single))


def best_rival(found: Measured) -> str | None:
  """The fastest contender that is not ours, by its median."""
  rivals = {n: median(found.seconds[n]) for n in contenders.CONTENDERS if n in found.seconds}
  rivals.pop(contenders.OURS, None)
  return min(rivals, key=rivals.get, default=None)


def rendered(found: Measured, plain: Measured | None = None) -> str:
  """The section of one job; `plain` is the same case in float32, if that was measured before."""
  columns = 'contender', 'ms a step', 'least', 'greatest', "time over gan_jax's", 'GFLOP/s'
  head = f'| {" | ".join((*columns, "of the product", "warm-up, s"))} |\n|---{"|--:" * 7}|'
  rows = [_row(found, name) for name in found.seconds if name in contenders.CONTENDERS]
  notes = [f'- left out: {name}, since {why}' for name, why in found.left_out.items()]
  notes += _verdict(found, plain) + _many(found)
  notes += [
    f'- {product.what} in {library}: {_rate(found, library):,.0f} GFLOP/s'
    for library, product in contenders.PRODUCTS.items()
    if library in found.seconds
  ]
  if found.idle:
    worst = max(found.idle, key=found.idle.get)
    notes += [f'- while it waits, {worst} takes {found.idle[worst]:.1%} of a core, no other more']
  return '\n'.join([f'## {found.job.title}', '', *_step(found.job), '', head, *rows, '', *notes])


def _step(job: cases.Job) -> list[str]:
  parts = ', '.join(f'{name} {_short(value)}' for name, value in flops.passes(job).items())
  return [f'A step is {cases.CASES[job.case].step}: {_short(flops.step(job))}FLOP ({parts}).']


def _row(found: Measured, name: str) -> str:
  taken = found.seconds[name]
  cells = [name, *(f'{1e3 * s:.4g}' for s in (median(taken), min(taken), max(taken)))]
  ours = found.seconds.get(contenders.OURS)
  cells.append(_brackets(ratio(taken, ours)) if ours and name != contenders.OURS else '')
  rate = _rate(found, name)
  product = contenders.CONTENDERS[name].library
  share = f'{rate / _rate(found, product):.0%}' if product in found.seconds else ''
  cells += [f'{rate:,.4g}', share, f'{found.ready[name]["ready"]:.1f}']
  return f'| {" | ".join(cells)} |'


def _rate(found: Measured, name: str) -> float:
  """GFLOP/s at the median time."""
  side = found.ready[name]['counts'].get('n', 0) if name in contenders.PRODUCTS else 0
  work = 2 * side**3 if side else flops.step(found.job)
  return work / median(found.seconds[name]) / 1e9


def _verdict(found: Measured, plain: Measured | None) -> list[str]:
  ours, best = found.seconds.get(contenders.OURS), best_rival(found)
  if not ours or not best:
    return []
  out = [f'- best rival: {best}, {_brackets(ratio(found.seconds[best], ours))}']
  if plain and (before := best_rival(plain)):
    times = median(plain.seconds[before]) / median(ours)
    out += [f'- against the best rival in float32, {before}: {times:.2f}']
  return out


def _many(found: Measured) -> list[str]:
  if found.job.game != 'sampling':
    return []
  steps = 10_000 / found.job.batch
  taken = {n: steps * median(s) for n, s in found.seconds.items() if n in contenders.CONTENDERS}
  return ['- 10,000 images at that rate: ' + ', '.join(f'{n} {s:.3g} s' for n, s in taken.items())]


def _brackets(r: Ratio) -> str:
  return f'{r.median:.2f} ({r.least:.2f} to {r.greatest:.2f})'


def _short(value: float) -> str:
  """12.3 M, 4.56 G: three digits and the power of a thousand."""
  for power in 'kMGT':
    value /= 1000
    if value < 1000:
      return f'{value:.3g} {power}'
  return f'{value:,.0f} T'
