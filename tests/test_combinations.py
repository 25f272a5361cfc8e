"""Any pair, penalty, network, label, average, wrapper, precision and number of devices compose.

Two grids in place of the full product: every pair with all penalties, traced; and every
discriminator in a whole game that is compiled and played, where the rest comes in turn. And what
does not go together is refused before anything is compiled, in a sentence.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import assemble, pairs, parallel, penalties
from gan_jax import config as configs
from gan_jax import step as steps
from gan_jax.errors import InputError
from gan_jax.game import Bound, Net
from gan_jax.pairs import Pair

QUICKLY = {'xla_backend_optimization_level': 0}  # to compile: what is computed is the same
SHAPE = (8, 8, 3)
WRAPPERS = (
  (),
  (dict(name='instance_noise', sigma=0.1),),
  (dict(name='augmented', augmentations=('jitter', 'translation')),),
  (dict(name='adaptive', augmentations=('geometry',), climb=100.0),),
  (dict(name='augmented', augmentations=('cutout',), p=0.5), dict(name='instance_noise')),
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


def test_the_grids_are_of_all_that_there_is():
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


@pytest.mark.parametrize(('i', 'pair'), list(enumerate(PAIRS)), ids=str)
def test_every_pair_goes_with_all_penalties_at_once_told_the_class_or_not(i, pair):
  terms = [dict(name=name, every=1 + i % 2) for i, name in enumerate(PENALTIES)]
  name = ('gan', 'gan.conditional')[i % 2]
  slope, carry, begun = slopes_and_carry(name, pair, terms, ())
  assert slope.shape == ()
  assert carry == begun


@pytest.mark.parametrize('i', range(len(WRAPPERS)))
def test_every_wrapper_goes_with_penalties_and_hands_on_a_carry_of_the_same_form(i):
  terms = [dict(name='r1'), dict(name=PENALTIES[i], every=2)]
  slope, carry, begun = slopes_and_carry('gan.conditional', PAIRS[i], terms, WRAPPERS[i])
  assert slope.shape == ()
  assert jax.tree.all(jax.tree.map(lambda a, b: (a.shape, a.dtype) == (b.shape, b.dtype),
                                   carry, begun))  # fmt: skip


# --- every discriminator in a whole game ----------------------------------------------------------

SPECTRAL = dict(reparam='spectral_norm')
# D, its options, and whether it can be told the class
DISCRIMINATORS = {
  'mlp': (dict(hidden=(6,), pieces=2), True),
  'plain': (dict(hidden=(6,)), True),
  'dcgan': (dict(width=2, norm='layer'), True),
  'wgan_gp': (dict(width=2), True),
  'wgan_gp_resnet': (dict(width=3), False),
  'resnet': (dict(width=3, **SPECTRAL), True),
  'sn_cnn': (dict(width=2, **SPECTRAL), True),
  'sagan': (dict(width=8, attend=4, **SPECTRAL), True),
  'r3gan': (dict(width=4, group=4, blocks=1), True),
}
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
        penalties=(dict(name=PENALTIES[(i + 2) % len(PENALTIES)], weight=weight, every=1 + i % 2),),
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
  """The state after two rounds."""
  config = assemble.complete(config)
  source, seen = assemble.open_source(config), assemble.transform(config)
  known = assemble.facts(source, seen)
  game = assemble.game(config, known, lambda: np.zeros(SHAPE, np.float32))
  moves, options = assemble.play(config)
  k = steps.minibatches(moves, **options)
  mesh = parallel.mesh(4, devices)
  step = parallel.jitted(lambda mean: moves(game, mean=mean, **options), mesh)
  state = jax.device_put(steps.init(game, jax.random.key(0)), parallel.replicated(mesh))
  batches = {n: jnp.asarray(a[: 4 * k]).reshape(k, 4, *a.shape[1:])
             for n, a in source.arrays.items()}  # fmt: skip
  batches['image'] = batches['image'].astype(jnp.float32) / 127.5 - 1
  step = jax.jit(step, compiler_options=QUICKLY)
  for _ in range(2):
    state, log = step(state, batches, jax.random.key(1))
    assert all(bool(jnp.isfinite(v).all()) for v in log.values())
  return game, state


@pytest.mark.parametrize(('i', 'name'), list(enumerate(DISCRIMINATORS)), ids=str)
def test_every_discriminator_plays_with_whatever_comes_in_turn(i, name):
  config = whole(i, name)
  game, state = play(config, devices=1 + i % 2)
  assert int(state.step) == 2
  begun = steps.init(game, jax.random.key(0))
  for net in ('G', 'D'):
    moved = jax.tree.map(lambda a, b: bool(jnp.any(a != b)), state.params[net], begun.params[net])
    assert any(jax.tree.leaves(moved))


# --- what makes no sense --------------------------------------------------------------------------


def refused(**changes):
  config = {**whole(0, 'plain'), **changes}
  known = assemble.Facts(SHAPE, {'image': (SHAPE, 'float32'), 'label': ((), 'int32')}, 10, None, {})
  with pytest.raises(InputError) as error:
    assemble.game(assemble.complete(config), known, lambda: np.zeros(SHAPE, np.float32))
  return str(error.value)


BATCH_NORM = dict(
  G=dict(name='plain.Generator', inputs=('z',)),
  D=dict(name='dcgan.Discriminator', inputs=('image',), width=2, stages=2),
)


@pytest.mark.parametrize('wrappers', WRAPPERS)
@pytest.mark.parametrize('penalty', [n for n in PENALTIES if n != 'drift'])
def test_a_slope_penalty_on_a_critic_with_batch_norm_is_refused_whatever_wraps_it(
  penalty, wrappers
):
  spec = dict(name='gan', pair='hinge', penalties=('drift', dict(name=penalty, weight=2.0)))
  message = refused(nets=BATCH_NORM, objective=spec, wrappers=wrappers)
  assert message.startswith(f'{penalty} penalises the slope of D at each example, but D has Batch')
  assert "norm='layer' or norm='none'" in message


def test_a_penalty_deep_in_the_description_is_found_too():
  inner = dict(name='gan', pair='hinge', penalties=(dict(name='r1'),))
  assert assemble.penalties_in(dict(name='some_wrapper', base=inner)) == [dict(name='r1')]
  assert assemble.penalties_in('gan') == []
