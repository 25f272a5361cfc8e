"""The duality gap of games of which it is known."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import optim
from gan_jax import step as steps
from gan_jax.data.opening import opened
from gan_jax.game import Net, Objective
from gan_jax.metrics.duality import gap, worst_cases
from gan_jax.step import Game, Player
from tests.messages import refused

KEY = jax.random.key(0)


def bilinear(x, y, bound=1.0):
  """V = x y + batch mean, x of G and y of D, in [-bound, bound]: the gap is bound (|x| + |y|)."""
  net = lambda at: Net(lambda key: jnp.float32(at), lambda w, key=None: w)
  V = lambda nets, batch: nets.G() * nets.D() + jnp.mean(batch['image'])
  objective = Objective(
    {'D': lambda nets, batch, *_: (-V(nets, batch), {}),
     'G': lambda nets, batch, *_: (nets.G() ** 2, {})}  # trained on something else
  )  # fmt: skip
  player = lambda name: Player((name,), optim.chain([optax.sgd(0.3), optim.clip_weights(bound)]))
  game = Game({'G': net(x), 'D': net(y)}, {n: player(n) for n in 'DG'}, objective, {'G': 0.9})
  return game, steps.init(game, KEY)


def batches(n, shift=0.0):
  rng = np.random.default_rng(n)
  return [{'image': np.float32(rng.normal(shift, 1, 8))} for _ in range(n)]


@pytest.mark.parametrize(('x', 'y'), [(0.5, -0.25), (0.0, 0.0), (-1.0, 0.75)])
def test_worst_cases_of_a_bilinear_game_are_in_closed_form(x, y):
  game, state = bilinear(x, y)
  held = batches(3, shift=2.0)
  found = worst_cases(game, state, lambda i: batches(1)[0], held, KEY, moves=40)
  mean = np.mean([b['image'].mean() for b in held])
  assert found.gap == pytest.approx(abs(x) + abs(y), abs=1e-5)
  assert found.minimax == pytest.approx(abs(x) + mean, abs=1e-5)
  assert found.maximin == pytest.approx(-abs(y) + mean, abs=1e-5)
  assert found.value == pytest.approx(x * y + mean, abs=1e-5)
  assert found.stderr == pytest.approx(0, abs=1e-5)


def test_worst_cases_of_more_moves_find_no_less():
  game, state = bilinear(0.1, 0.1)
  found = [worst_cases(game, state, lambda i: batches(1)[0], batches(2), KEY, moves=m).gap
           for m in (0, 5, 20)]  # fmt: skip
  assert found[0] == pytest.approx(0, abs=1e-6)
  assert found[0] < found[1] < found[2]


# slow: of convolutions and BatchNorm, each of its players a program that is compiled
@pytest.mark.parametrize('kind', ['digits', pytest.param('dcgan', marks=pytest.mark.slow)])
def test_gap_of_a_run_that_has_hardly_begun_is_above_zero(trained, kind):
  source = lambda split: opened(dict(name='digits'), split=split)
  found = gap(trained(kind), source, moves=20, batch=32, n=96)
  assert found.minimax > found.value > found.maximin
  assert found.gap > 3 * found.stderr


def test_worst_cases_refuse_what_has_no_gap():
  game, state = bilinear(0.5, 0.5)
  one = lambda i: batches(1)[0]
  with refused('player E'):
    worst_cases(game, state, one, batches(2), KEY, generator='E')
  with refused('1 held-out'):
    worst_cases(game, state, one, batches(1), KEY, moves=1)
  nan = [{'image': np.full(8, np.nan, np.float32)}] * 2
  with refused('nan'):
    worst_cases(game, state, one, nan, KEY, moves=1)
