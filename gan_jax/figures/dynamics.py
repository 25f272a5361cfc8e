"""How a run went, beside where theory says it should come to rest: 1/2, log 4, log 2."""

import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from gan_jax import canvas, runs
from gan_jax import config as configs
from gan_jax import log as logs
from gan_jax.equilibria import Rest, is_probability, rest
from gan_jax.errors import InputError
from gan_jax.pairs import Pair

PLAIN = 'gan', 'conditional'  # the objectives in which players pay the pair, and nothing else
COLOURS: Mapping[str, str] = {'D': 'tab:blue', 'G': 'tab:green'}


class Course(NamedTuple):
  """A number over the rounds."""

  rounds: np.ndarray  # i[T]
  values: np.ndarray  # f[T]


def dynamics(workdir: pathlib.Path) -> list[pathlib.Path]:
  """Writes <workdir>/dynamics.png: D(x) and D(G(z)), and both losses, with their equilibrium.

  D is shown as a probability where the run's pair teaches it one: sigma of the mean logit, which is
  what is logged. What the equilibrium is comes from the pair (`gan_jax.equilibria`), dashed, or a
  band where the pair leaves it open; losses have it where players pay no more than the pair, but
  for penalties, which D's loss contains. Raises InputError if D's output was not logged.
  """
  workdir = pathlib.Path(workdir)
  real, fake = course(workdir, 'D/real'), course(workdir, 'D/fake')
  if not real.rounds.size:
    raise InputError(f'{workdir} has logged no D/real and D/fake to draw.')
  objective = runs.config(workdir)['objective']
  pair = _pair(objective)
  at = rest(pair) if pair else None
  figure = canvas.blank(8.4, 3.2)
  left, right = figure.subplots(1, 2)
  _verdicts(left, real, fake, bool(pair and is_probability(pair)), at)
  _losses(right, workdir, objective, at)
  target = workdir / 'dynamics.png'
  logs.save_png(target, canvas.pixels(figure))
  return [target]


def course(workdir: pathlib.Path, name: str) -> Course:
  """What the log says of a number; of nothing, two empty arrays."""
  found = [(e['step'], e[name]) for e in logs.read(workdir) if name in e]
  rounds, values = np.array(found, float).reshape(-1, 2).T
  return Course(rounds.astype(int), values)


def _pair(spec: Any) -> Pair | None:
  """The pair of an objective, or of that which it is made of."""
  if not isinstance(spec, Mapping):
    return None
  if 'pair' in spec:
    return configs.build(spec['pair'], 'pairs')
  return next((p for p in map(_pair, spec.values()) if p), None)


def _verdicts(axes: Any, real: Course, fake: Course, probable: bool, at: Rest | None) -> None:
  show = expit if probable else np.asarray
  axes.plot(real.rounds, show(real.values), color='k', linewidth=1, label='$D(x)$')
  axes.plot(fake.rounds, show(fake.values), color='tab:green', linewidth=1, label='$D(G(z))$')
  if at:
    low, high = (float(show(v)) for v in at.verdict)
    _level(axes, low, high, '0.4')
  if probable:
    axes.set_ylim(0, 1)
  axes.legend(fontsize=8, frameon=False)
  canvas.plain(axes, 'round', 'sigma of the mean logit' if probable else "mean of D's output")


def _losses(
  axes: Any, workdir: pathlib.Path, objective: Mapping[str, Any], at: Rest | None
) -> None:
  plain = objective.get('name', '').split('.')[-1] in PLAIN
  weight = objective.get('d_weight', 1.0)
  at_rest = {'D': (weight * at.d,) * 2, 'G': at.g} if at and plain else {}
  for player, colour in COLOURS.items():
    paid = course(workdir, f'{player}/loss')
    axes.plot(paid.rounds, paid.values, color=colour, linewidth=1, label=f"{player}'s loss")
    _level(axes, *at_rest.get(player, (np.nan, np.nan)), colour)
  axes.legend(fontsize=8, frameon=False)
  canvas.plain(axes, 'round', 'loss')


def _level(axes: Any, low: float, high: float, colour: str) -> None:
  """A dashed line where an equilibrium is a point, a band where it is an interval, else nothing."""
  if not (np.isfinite(low) and np.isfinite(high)):
    return
  if high - low > 1e-6:
    axes.axhspan(low, high, color=colour, alpha=0.1, linewidth=0)
    return
  axes.axhline(low, color=colour, linewidth=0.9, linestyle='--')
  place = axes.get_yaxis_transform()
  axes.text(1.01, low, f'{low:.3g}', transform=place, fontsize=7, color=colour, va='center')
