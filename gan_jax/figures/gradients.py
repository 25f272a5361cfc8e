"""Why one does not play minimax: what G pays, and what that tells it, against D(G(z)).

The picture of Goodfellow's lecture notes (NIPS 2016 tutorial, figure 16), of any pairs: costs are
the pairs' own, slopes `jax.grad` of them. It needs no run:

python -m gan_jax.figures.gradients --out=gradients.png minimax nonsaturating 'fgan(divergence=kl)'
"""

import ast
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import canvas, command
from gan_jax import config as configs
from gan_jax.equilibria import share
from gan_jax.errors import InputError
from gan_jax.pairs import Pair

LECTURE = ('minimax', 'nonsaturating', dict(name='fgan', divergence='kl'))
MOST = 5.0  # costs are shown up to here


def gradients(
  sampler: Any,
  source: Any,
  key: Any,
  *,
  pairs: Sequence[str | Mapping[str, Any]] = LECTURE,
  real: float = 0.0,
  reach: float = 6.0,
) -> Mapping[str, np.ndarray]:
  """{'gradients': uint8[H,W,3]}: G's cost on the left, and |d cost / d verdict| on the right.

  Against D(G(z)), the p/(p+q) for which a verdict is D's best, if every pair has one for each
  verdict, else against the verdict itself, from -reach to reach. `pairs` are as a config names
  them; D says `real` of real points, which relativistic pairs look at. f-GAN's 'kl' is the notes'
  game of maximum likelihood. Nothing is asked of the run.
  """
  del sampler, source, key
  if not pairs:
    raise InputError("say which pairs: pairs=('minimax', 'nonsaturating').")
  built = [(_label(spec), configs.build(spec, 'pairs')) for spec in pairs]
  f = np.linspace(-reach, reach, 401, dtype=np.float32)
  shares = [share(pair, f) for _, pair in built]
  probable = all(np.all((s >= 0) & (s <= 1)) and np.ptp(s) > 0.9 for s in shares)
  axis = shares if probable else [f] * len(built)
  name = '$D(G(z))$' if probable else 'verdict $D(G(z))$'
  figure = canvas.blank(8.4, 3.4)
  left, right = figure.subplots(1, 2)
  lowest, highest = [], []
  for (label, pair), x in zip(built, axis, strict=True):
    cost, slope = cost_and_slope(pair, f, real)
    left.plot(x, cost, label=label, linewidth=1.3)
    right.plot(x, np.abs(slope), label=label, linewidth=1.3)
    lowest.append(np.clip(cost.min(), -MOST, MOST))
    highest.append(np.clip(cost.max(), -MOST, MOST))
  left.set_ylim(min(lowest) - 0.3, max(highest) + 0.3)
  right.set_ylim(-0.05, None)
  if right.get_ylim()[1] > MOST:
    right.set_ylim(-0.05, MOST)
  canvas.plain(left, name, "G's cost")
  canvas.plain(right, name, '|d cost / d verdict|')
  for axes in (left, right):
    axes.axhline(0, color='0.85', linewidth=0.8, zorder=0)
  left.legend(fontsize=8, frameon=False)
  return {'gradients': canvas.pixels(figure)}


def cost_and_slope(pair: Pair, f: np.ndarray, real: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
  """What G pays for one fake of verdict f, and the slope of that with respect to f: f32[P] each."""
  one = lambda v: pair.g(jnp.full((1,), real, jnp.float32), v[None])
  cost, slope = jax.jit(jax.vmap(jax.value_and_grad(one)))(jnp.asarray(f, jnp.float32))
  return np.asarray(cost), np.asarray(slope)


def _label(spec: str | Mapping[str, Any]) -> str:
  if isinstance(spec, str):
    return spec
  options = ', '.join(f'{k}={v}' for k, v in spec.items() if k != 'name')
  return f'{spec["name"]}({options})' if options else str(spec['name'])


def spec(word: str) -> dict[str, Any]:
  """'least_squares(a=-1, c=0)' -> dict(name='least_squares', a=-1, c=0); raises InputError."""
  try:
    node = ast.parse(word, mode='eval').body
    call = node if isinstance(node, ast.Call) else ast.Call(node, [], [])
    if call.args or any(k.arg is None for k in call.keywords):
      raise ValueError('options are given by name')
    value = lambda v: v.id if isinstance(v, ast.Name) else ast.literal_eval(v)
    options = {str(k.arg): value(k.value) for k in call.keywords}
    return {'name': ast.unparse(call.func), **options}
  except (SyntaxError, ValueError) as error:
    raise InputError(f'pairs are written like least_squares(a=-1, c=0), not {word!r}.') from error


def write(words: Sequence[str], out: str | pathlib.Path) -> None:
  """Writes the picture of these pairs, the lecture notes' if none are said, as a PNG."""
  from gan_jax import log

  given: Any = [spec(word) for word in words] or LECTURE
  log.save_png(pathlib.Path(out), gradients(None, None, None, pairs=given)['gradients'])


if __name__ == '__main__':
  from absl import flags

  flags.DEFINE_string('out', 'gradients.png', 'The PNG to write.')
  flags.FLAGS.set_gnu_getopt(True)
  command.start(lambda argv: write(argv[1:], flags.FLAGS.out))
