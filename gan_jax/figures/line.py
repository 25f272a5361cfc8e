"""Figure 1 of Goodfellow et al. 2014, alive: densities, D, the best D, and z to x = G(z)."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax import canvas
from gan_jax import log as logs
from gan_jax.errors import InputError
from gan_jax.figures.beside import row
from gan_jax.metrics import value as values
from gan_jax.sampling import Sampler

ARROW = dict(arrowstyle='-|>', color='0.45', linewidth=0.7, shrinkA=0, shrinkB=0, mutation_scale=6)


def line(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 100_000,
  bandwidth: float = 0.0,
  arrows: int = 24,
  extent: tuple[float, float] | None = None,
) -> Mapping[str, np.ndarray]:
  """{'line': uint8[H,W,3]}: p_data dotted, p_g solid, D dashed, D* = p_data/(p_data+p_g) pale.

  Below, z and where G puts it: `arrows` of them, from evenly spaced quantiles of the prior. p_data
  is exact, p_g of n samples (see `metrics.value.densities`). `extent` is what is seen of x; unsaid,
  four sigma beyond the data's outermost centres. Raises InputError for data of unknown density, a
  run without a D, or a z of more than one number.
  """
  if sampler.critic is None:
    raise InputError('Figure 1 shows a D that judges one point at a time, which is not here.')
  meta = source().meta
  at = values.densities(meta, sampler, key, n, bandwidth)
  z, x = _mapped(sampler, key, arrows)
  centres = np.asarray(meta['centres'])[:, 0]
  around = 4 * meta['sigma']
  low, high = extent or (centres.min() - around, centres.max() + around)
  seen = np.linspace(low, high, 400)
  judged = sampler.critic(sampler.see(seen[:, None].astype(np.float32)))
  ideal = values.probability(at.logit(seen))
  figure = canvas.blank(6.4, 4.6)
  above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3.4, 1))
  most = 1.45 * values.density(meta, at.x).max()
  above.plot(seen, np.interp(seen, at.x, at.data), 'k:', label='$p_{data}$')
  above.plot(seen, np.interp(seen, at.x, at.fake), color='tab:green', label='$p_g$')
  above.set_ylim(0, most)
  canvas.plain(above, y='density')
  beside: Any = above.twinx()
  beside.plot(seen, values.probability(judged), '--', color='tab:blue', label='$D$')
  beside.plot(seen, ideal, color='tab:blue', alpha=0.35, linewidth=2.5, label='$D^*$')
  beside.axhline(0.5, color='0.8', linewidth=0.6, zorder=0)
  beside.set_ylim(0, 1.08)
  beside.set_ylabel('D', fontsize=8)
  beside.tick_params(labelsize=7)
  beside.spines[['top']].set_visible(False)
  drawn = [above.get_legend_handles_labels(), beside.get_legend_handles_labels()]
  handles, labels = (a + b for a, b in zip(*drawn, strict=True))
  above.legend(handles, labels, fontsize=8, frameon=False, ncol=4, loc='upper center')
  above.set_title(f'round {sampler.round:,}', fontsize=9, loc='left')
  _arrows(below, z, x, low, high)
  return {'line': canvas.pixels(figure)}


def _mapped(sampler: Sampler, key: jax.Array, arrows: int) -> tuple[np.ndarray, np.ndarray]:
  """z f[A] at evenly spaced quantiles of the prior, and G(z) f[A]."""
  drawn = np.asarray(sampler.prior(key, 4000)) if sampler.prior else np.zeros((1, 0))
  if drawn.shape[1] != 1 or len(sampler.fill(key, 1)) != 1:
    raise InputError(
      f'arrows from z to G(z) are of a G that takes a z of one number: prior=dict(..., dim=1). '
      f'This one has {drawn.shape[1]}.'
    )
  z = np.quantile(drawn[:, 0], (np.arange(arrows) + 0.5) / arrows).astype(np.float32)
  return z, np.asarray(sampler.generate(z[:, None]))[:, 0]


def _arrows(axes: Any, z: np.ndarray, x: np.ndarray, low: float, high: float) -> None:
  """From the line of z, spread over the width of the picture, to that of x."""
  share = (z - z.min()) / max(np.ptp(z), 1e-12)
  feet = low + (high - low) * (0.04 + 0.92 * share)
  for foot, head in zip(feet, np.clip(x, low, high), strict=True):
    axes.annotate('', xy=(head, 1), xytext=(foot, 0), arrowprops=ARROW)
  for level, name in ((1, '$x$'), (0, '$z$')):
    axes.axhline(level, color='k', linewidth=0.8)
    axes.text(-0.02, level, name, transform=axes.get_yaxis_transform(), ha='right', va='center')
  axes.set_xlim(low, high)
  axes.set_ylim(-0.12, 1.12)
  axes.set_yticks([])
  axes.tick_params(labelsize=7)
  axes.spines[['top', 'right', 'left', 'bottom']].set_visible(False)


def course(workdir: pathlib.Path) -> list[pathlib.Path]:
  """Writes <workdir>/value.png: V(D, G) as training went, V(D*, G) and -log 4 + 2 JSD.

  From what the eval `metrics.value.value` has logged; nothing if it was not among the run's evals.
  """
  logged = _logged(workdir)
  if not logged['round'].size:
    return []
  target = pathlib.Path(workdir) / 'value.png'
  logs.save_png(target, _course(logged))
  return [target]


def alive(workdir: pathlib.Path, *, seconds: float = 10.0) -> list[pathlib.Path]:
  """Writes <workdir>/alive.gif: every picture of the eval `line`, and beside it V up to that round.

  Nothing if the run took no two such pictures.
  """
  from PIL import Image

  workdir = pathlib.Path(workdir)
  paths = sorted((workdir / 'samples').glob('line_????????.png'))
  if len(paths) < 2:
    return []
  logged = _logged(workdir)
  frames = []
  for path in paths:
    with Image.open(path) as picture:
      left = np.asarray(picture.convert('RGB'))
    right = [_course(logged, int(path.stem[-8:]))] if logged['round'].size else []
    frames.append(row([left, *right], gap=0))
  target = workdir / 'alive.gif'
  logs.save_gif(target, frames, seconds)
  return [target]


def _logged(workdir: pathlib.Path) -> dict[str, np.ndarray]:
  """'round', 'value', 'best' and 'bound' f[T], as `value` has logged them under its name."""
  rows = []
  for entry in logs.read(workdir):
    for name in entry:
      prefix, _, last = name.rpartition('/')
      if last == 'bound' and f'{prefix}/best' in entry:
        value = entry.get(prefix, entry.get(f'{prefix}/value'))
        rows.append((entry['step'], value, entry[f'{prefix}/best'], entry[name]))
  columns = np.array(rows, float).reshape(-1, 4).T
  return dict(zip(('round', 'value', 'best', 'bound'), columns, strict=True))


def _course(logged: Mapping[str, np.ndarray], until: int | None = None) -> np.ndarray:
  """uint8[H,W,3]; the axes are those of the whole run, however much of it is drawn."""
  log4 = float(np.log(4))
  rounds = logged['round']
  kept = rounds <= (rounds.max() if until is None else until)
  figure = canvas.blank(4.2, 4.6)
  axes = figure.subplots()
  axes.axhline(-log4, color='0.6', linewidth=0.8, linestyle='--')
  axes.text(rounds.max(), -log4, '$-\\log 4$', fontsize=8, color='0.4', ha='right', va='top')
  for name, label, style in (
    ('bound', r'$-\log 4 + 2\,JSD$', dict(color='0.7', linewidth=4)),
    ('best', '$V(D^*, G)$', dict(color='k', linewidth=0.9)),
    ('value', '$V(D, G)$', dict(color='tab:blue', linestyle='--')),
  ):
    axes.plot(rounds[kept], logged[name][kept], label=label, **style)
  both = np.concatenate([logged[name] for name in ('value', 'best', 'bound')])
  low, high = max(float(np.min(both)), -3.0), float(np.max(both))
  room = 0.1 * max(high - low, 0.05)
  axes.set_ylim(min(low, -log4) - room, high + 2 * room)
  axes.set_xlim(rounds.min(), max(rounds.max(), rounds.min() + 1))
  axes.legend(fontsize=8, frameon=False, loc='upper right')
  canvas.plain(axes, 'round', 'V')
  return canvas.pixels(figure)
