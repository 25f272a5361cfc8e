"""Any pair, penalty, network, label, average, wrapper, precision and number of devices compose.

Two grids in place of the full product: every pair with penalties, traced; and every
discriminator in a whole game that is compiled and played, where the rest comes in turn: three of
them, of which one plays by extragradient, and the others as `slow`. And what does not go together
is refused before anything is compiled.

Covers: assemble.py, game.py, parallel.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import assemble, pairs, parallel, penalties
from gan_jax import config as configs
from gan_jax import step as steps
from gan_jax.game import Bound, Net
from gan_jax.pairs import Pair
from tests.messages import refused
from tests.nets.drawn import weights

pytestmark = pytest.mark.usefixtures('native_convolutions')
SHAPE = (8, 8, 3)
WRAPPERS = (
  (),
  (dict(name='augmented', augmentations=('jitter', 'translation')),),
  (dict(name='augmented', augmentations=('cutout',), p=0.5), dict(name='instance_noise')),
  (dict(name='instance_noise', sigma=0.1),),
  (dict(name='adaptive', augmentations=('geometry',), climb=100.0),),
)


def made(module, kind):
  """The names in a module of what can be made there without arguments."""
  return sorted(
    name for name, value in vars(module).items()
    if callable(value) and getattr(value, '__module__', '') == module.__name__
    and not isinstance(value, type) and isinstance(attempt(value), kind)
  )  # fmt: skip


def attempt(factory):
  try:
    return factory()
  except TypeError:
    return None


PAIRS = made(pairs, Pair)
PENALTIES = made(penalties, penalties.Penalty)


# --- every pair with every penalty ----------------------------------------------------------------


def test_made_finds_every_pair_and_penalty():
  assert {'hinge', 'relativistic', 'fgan', 'wasserstein'} <= set(PAIRS)
  assert {'r1', 'wgan_gp', 'dragan', 'drift'} <= set(PENALTIES)


def critic(w, x, *told, key=None):
  return jnp.sum(jnp.tanh(w * x), (1, 2, 3))


TINY = {
  'G': Net(lambda key: (), lambda w, z, *told, key=None: w * jnp.tanh(z)),
  'D': Net(lambda key: (), critic),
}


def slopes_and_carry(name, pair, terms, wrappers):
  """The shapes of the slope of both players' costs, and of the carry after a round and before."""
  batch = {'image': jnp.zeros((4, *SHAPE)), 'label': jnp.zeros(4, jnp.int32)}
  prior = lambda key, n: jax.random.normal(key, (n, *SHAPE))
  spec = dict(name=name, prior=prior, pair=pair, penalties=terms)
  objective = configs.build(spec, 'objectives')
  for wrapper in wrappers:
    objective = configs.build({**wrapper, 'base': objective}, 'objectives.wrappers')

  def costs(w):
    drawn, carry = objective.draw(batch, jax.random.key(0)), objective.init()
    nets = Bound(TINY, {'G': w, 'D': w})
    found = {p: loss(nets, batch, drawn, carry) for p, loss in objective.losses.items()}
    log = {f'{p}/{n}': v for p, (_, told) in found.items() for n, v in told.items()}
    return sum(cost for cost, _ in found.values()), objective.advance(carry, log)

  slope, carry = jax.eval_shape(jax.grad(costs, has_aux=True), 1.0)
  return slope, carry, jax.eval_shape(objective.init)


@pytest.mark.parametrize('names', [(), pytest.param(PENALTIES, marks=pytest.mark.slow)],
                         ids=['two', 'all'])  # fmt: skip
@pytest.mark.parametrize(('i', 'pair'), list(enumerate(PAIRS)), ids=str)
def test_pair_goes_with_penalties_told_the_class_or_not(i, pair, names):
  """The first two pairs with all penalties at once, others with two in turn; all with all: slow."""
  n = len(PENALTIES)
  two = (PENALTIES[i % n], PENALTIES[(i + 1 + i // n) % n])
  names = names or (PENALTIES if i < 2 else two)
  terms = [dict(name=name, every=1 + i % 2) for name in names]
  name = ('gan', 'gan.conditional')[i % 2]
  slope, carry, begun = slopes_and_carry(name, pair, terms, ())
  assert slope.shape == ()
  assert carry == begun


@pytest.mark.parametrize('i', range(len(WRAPPERS)))
def test_wrapper_goes_with_penalties_and_keeps_the_form_of_its_carry(i):
  terms = [dict(name='r1'), dict(name=PENALTIES[i], every=2)]
  slope, carry, begun = slopes_and_carry('gan.conditional', PAIRS[i], terms, WRAPPERS[i])
  assert slope.shape == ()
  assert jax.tree.all(jax.tree.map(lambda a, b: (a.shape, a.dtype) == (b.shape, b.dtype),
                                   carry, begun))  # fmt: skip


# --- every discriminator in a whole game ----------------------------------------------------------

SPECTRAL = dict(reparam='spectral_norm')
# D, its options, and whether it can be told the class. What is quick to compile comes where more is
# asked of it: rows 3 and 7 are played by extragradient, row 4 moves, turns and scales the images.
DISCRIMINATORS = {
  'mlp': (dict(hidden=(6,), pieces=2), True),
  'resnet': (dict(width=3, halved=1, kept=1, **SPECTRAL), True),
  'dcgan': (dict(width=2, norm='layer'), True),
  'plain': (dict(hidden=(6,)), True),
  'sn_cnn': (dict(width=2, **SPECTRAL), True),
  'wgan_gp_resnet': (dict(width=3), False),
  'sagan': (dict(width=8, attend=4, **SPECTRAL), True),
  'wgan_gp': (dict(width=2), True),
  'r3gan': (dict(width=4, group=4, blocks=1), True),
}
QUICK = ('mlp', 'dcgan', 'plain')
GENERATORS = (
  dict(name='r3gan.Generator', width=4, group=4, blocks=1),
  dict(name='dcgan.Generator', width=2),
  dict(name='sn_cnn.Generator', width=2, reparam='spectral_norm'),
  dict(name='plain.Generator', hidden=(8,)),
)
PLAYS = (
  dict(name='alternating', schedule=(('D', 0), ('G', 1))),
  dict(name='alternating', schedule=('D', 'D', 'G'), noise='shared'),
  'simultaneous',
  'extragradient',
)
AVERAGES = ({}, dict(G=dict(name='half_life', images=100.0, batch=4)), dict(G='warmed_up'))


def whole(i, name):
  """Row i of the grid, each column at its own pace."""
  options, tellable = DISCRIMINATORS[name]
  told = tellable and i % 2 == 0
  pick = lambda values, pace: values[i // pace % len(values)]
  weight = dict(name='cosine_ramp', start=0.1, end=0.01, rounds=10)
  label = ('label',) if told else ()
  D = dict(name=f'{name}.Discriminator', inputs=('image', *label), **options)
  rate = dict(name='cosine_ramp', start=1e-3, end=1e-4, rounds=10)
  moves = dict(name='adam', learning_rate=1e-3), dict(name='adam_of_schedules', learning_rate=rate)
  tx = moves[i // 2 % 2]
  return configs.plain(
    dict(
      data=dict(name='synthetic', shape=SHAPE, n=16),
      transform=(dict(name='scale'),),
      prior=dict(name='normal', dim=5),
      nets=dict(G=dict(inputs=('z', *label), **pick(GENERATORS, 1)), D=D),
      objective=dict(
        name='gan.conditional' if told else 'gan',
        pair=pick(PAIRS, 1),
        penalties=(dict(name=PENALTIES[(i + 5) % len(PENALTIES)], weight=weight, every=1 + i % 2),),
      ),
      wrappers=pick(WRAPPERS, 1),
      players=dict(D=dict(owns=('D',), tx=tx), G=dict(owns=('G',), tx=tx)),
      play=pick(PLAYS, 1),
      ema=pick(AVERAGES, 1),
      precision=('float32', 'bfloat16')[i // 2 % 2],
      rounds=2,
      batch=4,
    )
  )


def play(config, devices):
  """The state before the first round, and after the second."""
  config = assemble.complete(config)
  source, seen = assemble.open_source(config), assemble.transform(config)
  known = assemble.facts(source, seen)
  game = assemble.game(config, known, lambda: np.zeros(SHAPE, np.float32))
  moves, options = assemble.play(config)
  k = steps.minibatches(moves, **options)
  mesh = parallel.mesh(4, devices)
  step = parallel.jitted(lambda mean: moves(game, mean=mean, **options), mesh)
  # How networks start is left to their own tests, since to compile it takes as long as the step.
  drawn = {n: weights(net) for n, net in game.nets.items()}
  given = {n: net._replace(init=lambda key, n=n: drawn[n]) for n, net in game.nets.items()}
  begun = jax.jit(lambda key: steps.init(game._replace(nets=given), key))(jax.random.key(0))
  state = jax.device_put(begun, parallel.replicated(mesh))
  batches = {n: a[: 4 * k].reshape(k, 4, *a.shape[1:]) for n, a in source.arrays.items()}
  batches['image'] = batches['image'].astype(np.float32) / 127.5 - 1
  step = jax.jit(step)
  for _ in range(2):
    state, log = step(state, batches, jax.random.key(1))
    assert all(np.isfinite(v).all() for v in log.values())
  return begun, state


@pytest.mark.parametrize(('i', 'name'), [
  pytest.param(i, name, marks=() if name in QUICK else pytest.mark.slow)
  for i, name in enumerate(DISCRIMINATORS)
], ids=str)  # fmt: skip
def test_discriminator_plays_with_whatever_comes_in_turn(i, name):
  begun, state = play(whole(i, name), devices=2 - i % 2)
  assert int(state.step) == 2
  for net in ('G', 'D'):
    moved = jax.tree.map(lambda a, b: np.any(np.asarray(a) != np.asarray(b)),
                         state.params[net], begun.params[net])  # fmt: skip
    assert any(jax.tree.leaves(moved))


# --- what makes no sense --------------------------------------------------------------------------


def assembled(**changes):
  config = {**whole(0, 'plain'), **changes}
  known = assemble.Facts(SHAPE, {'image': (SHAPE, 'float32'), 'label': ((), 'int32')}, 10, None, {})
  return assemble.game(assemble.complete(config), known, lambda: np.zeros(SHAPE, np.float32))


BATCH_NORM = dict(
  G=dict(name='plain.Generator', inputs=('z',)),
  D=dict(name='dcgan.Discriminator', inputs=('image',), width=2, stages=2),
)


SLOPES = [n for n in PENALTIES if n != 'drift']


@pytest.mark.parametrize(
  ('penalty', 'wrappers'),
  [(n, ()) for n in SLOPES]
  + [(SLOPES[i % len(SLOPES)], w) for i, w in enumerate(WRAPPERS) if w]
  + [pytest.param(n, w, marks=pytest.mark.slow) for n in SLOPES for w in WRAPPERS],
)
def test_game_refuses_a_slope_penalty_on_a_critic_with_batch_norm(penalty, wrappers):
  spec = dict(name='gan', pair='hinge', penalties=('drift', dict(name=penalty, weight=2.0)))
  with refused(penalty, 'slope', 'D', 'BatchNorm', "norm='layer'", "norm='none'"):
    assembled(nets=BATCH_NORM, objective=spec, wrappers=wrappers)


def test_penalties_in_finds_one_deep_in_the_description():
  inner = dict(name='gan', pair='hinge', penalties=(dict(name='r1'),))
  assert assemble.penalties_in(dict(name='some_wrapper', base=inner)) == [dict(name='r1')]
  assert assemble.penalties_in('gan') == []
