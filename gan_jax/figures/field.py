"""Does a game come to rest? Its vector field, where a run went in it, and the eigenvalues.

The Dirac-GAN (Mescheder et al. 2018) has two weights, so that all of it can be seen: data at 0,
G(z) = theta, D(x) = psi x. `experiments/dirac.py` plays it. Of other small games the eigenvalues
can be had.
"""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import assemble, canvas, jacobian, runs
from gan_jax import log as logs
from gan_jax import step as steps
from gan_jax.errors import InputError
from gan_jax.figures.dynamics import course
from gan_jax.sampling import Sampler

FAR = 50.0  # eigenvalues beyond are told of, not drawn


def position(sampler: Sampler, source: Callable, key: jax.Array) -> Mapping[str, float]:
  """The eval {'theta', 'psi'}: where a Dirac-GAN is. InputError for any other game."""
  theta, psi = _position(sampler, key)
  return {'theta': theta, 'psi': psi}


def dirac(
  sampler: Sampler, source: Callable, key: jax.Array, *, reach: float = 2.5
) -> Mapping[str, np.ndarray]:
  """{'dirac': uint8[H,W,3]}: the data's point, G's point, and D over the line (their figure 1)."""
  theta, psi = _position(sampler, key)
  figure = canvas.blank(4.4, 3.0)
  axes = figure.subplots()
  x = np.array([-reach, reach])
  axes.plot(x, psi * x, color='tab:blue', linewidth=1.2, label=r'$D(x) = \psi x$')
  for at, colour, name in ((0.0, 'k', '$p_{data}$'), (theta, 'tab:green', '$p_g$')):
    axes.vlines(at, 0, 1, color=colour, linewidth=2.5, label=name)
  axes.axhline(0, color='0.7', linewidth=0.7, zorder=0)
  axes.set_xlim(-reach, reach)
  axes.set_ylim(-reach, reach)
  axes.legend(fontsize=8, frameon=False, loc='upper left')
  axes.set_title(f'round {sampler.round:,}', fontsize=9, loc='right')
  canvas.plain(axes, 'x')
  return {'dirac': canvas.pixels(figure)}


def _position(sampler: Sampler, key: jax.Array) -> tuple[float, float]:
  at = np.array([[0.0], [1.0], [2.0]], np.float32)
  drawn = np.asarray(sampler.draw(key, 2))
  if sampler.critic is not None and drawn.shape == (2, 1) and drawn[0] == drawn[1]:
    zero, psi, twice = sampler.critic(at)
    if zero == 0 and twice == 2 * psi:
      return float(drawn[0, 0]), float(psi)
  raise InputError(
    'this is of the Dirac-GAN, G(z) = theta and D(x) = psi x: that of experiments/dirac.py.'
  )


class Local(NamedTuple):
  """A run's game, on data as it has them, and the round that it plays."""

  run: runs.Run
  field: jacobian.Field
  of_round: Callable[[Any], np.ndarray]  # state -> the Jacobian of a round


def _local(workdir: pathlib.Path, seed: int = 0) -> Local:
  run = runs.load(workdir)
  play, options = assemble.play(run.config)
  step = play(run.game, **options)
  k, n = steps.minibatches(play, **options), run.config['batch']
  seen = assemble.transform(run.config)
  rows = assemble.shown(assemble.open_source(run.config), seen, k * n)
  batches = {name: a.reshape(k, n, *a.shape[1:]) for name, a in rows.items()}
  key = jax.random.key(seed)
  one = {name: a[0] for name, a in batches.items()}
  field = jacobian.field(run.game, run.state, one, key)
  return Local(run, field, lambda state: jacobian.of_round(step, state, batches, key))


def portrait(workdir: pathlib.Path, *, reach: float = 0.0) -> list[pathlib.Path]:
  """Writes <workdir>/portrait.png of a Dirac-GAN: where it went in its field, and eigenvalues.

  On the left the field over (theta, psi) and the run, as `position` has logged it; then the
  eigenvalues of the field's Jacobian at (0, 0), all of which should lie left of the axis, and those
  of a round as the run plays it, which should lie within the circle. Raises InputError for another
  game.
  """
  workdir = pathlib.Path(workdir)
  found = _local(workdir)
  if found.field.at.size != 2 or set(found.run.game.nets) != {'D', 'G'}:
    raise InputError(f'{workdir} is no Dirac-GAN, which has two weights: ask for spectrum.')
  path = _logged_path(workdir)
  reach = reach or 1.15 * max(1.0, float(np.abs(path).max(initial=0)))
  figure = canvas.blank(11.0, 3.9)
  figure.get_layout_engine().set(w_pad=0.12)
  figure.suptitle(_told(found.run.config), fontsize=10)
  left, middle, right = figure.subplots(1, 3)
  _plane(left, found.field, path, min(reach, 20.0))
  zero = jnp.zeros(2)
  half_plane(middle, jacobian.eigenvalues(jacobian.jacobian(found.field, zero)))
  state = found.run.state
  still = jax.tree.map(jnp.zeros_like, state.params)
  circle(right, jacobian.eigenvalues(found.of_round(state.replace(params=still))))
  target = workdir / 'portrait.png'
  logs.save_png(target, canvas.pixels(figure))
  return [target]


def spectrum(workdir: pathlib.Path) -> list[pathlib.Path]:
  """Writes <workdir>/spectrum.png: eigenvalues of any small game's Jacobian where its run ended.

  Of the field at the newest checkpoint, by the weights themselves, on a batch spread over the data,
  and in the title how strong the field is there: near 0 at rest. Raises InputError for a game of
  more weights than `jacobian.MOST`.
  """
  workdir = pathlib.Path(workdir)
  found = _local(workdir)
  values = jacobian.eigenvalues(jacobian.jacobian(found.field))
  strength = float(jnp.linalg.norm(jax.jit(found.field.value)(found.field.at)))
  figure = canvas.blank(4.8, 4.2)
  axes = figure.subplots()
  half_plane(axes, values)
  axes.set_title(f'round {found.run.round:,}: |v| = {strength:.2g}', fontsize=9, loc='left')
  target = workdir / 'spectrum.png'
  logs.save_png(target, canvas.pixels(figure))
  return [target]


def _logged_path(workdir: pathlib.Path) -> np.ndarray:
  """(theta, psi) f[T,2], as the eval `position` has logged them under its name."""
  names = {name for entry in logs.read(workdir) for name in entry if name.endswith('/theta')}
  if not names:
    return np.zeros((0, 2))
  prefix = min(names).removesuffix('/theta')
  return np.stack([course(workdir, f'{prefix}/{n}').values for n in ('theta', 'psi')], axis=1)


def _told(config: Mapping[str, Any]) -> str:
  """What is played, in words: 'wasserstein, wgan_gp(1), alternating'."""
  objective = config['objective']
  name = lambda spec: spec if isinstance(spec, str) else str(spec['name'])
  weight = lambda spec: 1 if isinstance(spec, str) else spec.get('weight', 1)
  terms = [f'{name(term)}({weight(term):g})' for term in objective.get('penalties', ())]
  return ', '.join([name(objective.get('pair', objective)), *terms, name(config['play'])])


def _plane(axes: Any, of: jacobian.Field, path: np.ndarray, reach: float) -> None:
  """The field's streamlines over (theta, psi), and the path through it from its ring to its dot."""
  line = np.linspace(-reach, reach, 24)
  theta, psi = np.meshgrid(line, line)
  w = jnp.asarray(np.stack([psi.ravel(), theta.ravel()], 1), jnp.float32)  # D's weight comes first
  v = np.asarray(jax.jit(jax.vmap(of.value))(w)).reshape(24, 24, 2)
  axes.streamplot(line, line, v[..., 1], v[..., 0], color='0.75', linewidth=0.6, arrowsize=0.7)
  if len(path):
    axes.plot(*path.T, color='tab:red', linewidth=1)
    axes.plot(*path[0], 'o', color='tab:red', markerfacecolor='w', markersize=5)
    axes.plot(*path[-1], 'o', color='tab:red', markersize=4)
  axes.plot(0, 0, 'k+', markersize=8)
  axes.set_xlim(-reach, reach)
  axes.set_ylim(-reach, reach)
  axes.set_aspect('equal')
  canvas.plain(axes, r'$\theta$', r'$\psi$')


def half_plane(axes: Any, values: np.ndarray) -> None:
  """Eigenvalues of a field's Jacobian; where they should lie, left of the axis, is shaded."""
  reach = _scattered(axes, values)
  most = values.real.max(initial=-np.inf) + 0.0  # no -0
  axes.set_title(f'largest real part {most:.3g}', fontsize=9, loc='left')
  axes.set_aspect('equal')
  axes.axvspan(-reach, 0, color='tab:green', alpha=0.08, linewidth=0)
  canvas.plain(axes, r'Re $\lambda$ of the field', r'Im $\lambda$')


def circle(axes: Any, values: np.ndarray) -> None:
  """Eigenvalues of a round's Jacobian; where they should lie, within the unit circle, is shaded."""
  from matplotlib.patches import Circle

  _scattered(axes, values, least=1.25)
  axes.add_patch(Circle((0, 0), 1, color='tab:green', alpha=0.08, linewidth=0))
  axes.add_patch(Circle((0, 0), 1, fill=False, color='0.6', linewidth=0.7))
  axes.set_aspect('equal')
  largest = np.abs(values).max(initial=0)
  axes.set_title(f'largest |$\\lambda$| {largest:.5g}', fontsize=9, loc='left')
  canvas.plain(axes, r'Re $\lambda$ of a round', r'Im $\lambda$')


def _scattered(axes: Any, values: Sequence[complex] | np.ndarray, least: float = 0.5) -> float:
  """Dots in the complex plane, which reaches as far either way; those too far off are told of."""
  values = np.asarray(values)
  near = values[np.abs(values) <= FAR]
  reach = 1.25 * max(least / 1.25, float(np.abs(near).max(initial=0)))
  axes.axhline(0, color='0.7', linewidth=0.7)
  axes.axvline(0, color='0.7', linewidth=0.7)
  axes.plot(near.real, near.imag, 'o', color='tab:red', markersize=5, alpha=0.7, markeredgewidth=0)
  axes.set_xlim(-reach, reach)
  axes.set_ylim(-reach, reach)
  axes.locator_params(nbins=5)
  if far := [v for v in values if abs(v) > FAR]:
    largest = max(far, key=abs)
    size = f'{largest:.2g}' if largest.imag else f'{largest.real:.2g}'
    told = f'{len(far)} off the picture, up to {size}'
    axes.text(0.02, 0.02, told, transform=axes.transAxes, fontsize=7)
  return reach
