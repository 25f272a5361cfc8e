"""What every network keeps to: no modes, nothing mutable, smooth twice, alone as in a batch.

Shapes, types and whether a second derivative exists are seen by tracing, of every network. What is
a property of numbers is computed for a network of each kind of layer, and for the others as `slow`.

Covers: nets/ali.py, nets/began.py, nets/bigan.py, nets/cgan.py, nets/cogan.py, nets/conv2014.py,
nets/cyclegan.py, nets/dcgan.py, nets/dcgan_authors.py, nets/dcgan_conditional.py, nets/dirac.py,
nets/discogan.py, nets/improved.py, nets/infogan.py, nets/joint.py, nets/lapgan.py, nets/mlp.py,
nets/patch.py, nets/plain.py, nets/resnet.py, nets/sagan.py, nets/sn_cnn.py, nets/text.py,
nets/tfd.py, nets/unet.py, nets/unrolled.py, nets/wgan_gp.py, nets/wgan_gp_resnet.py.
"""

import functools
import importlib
import inspect
import pkgutil

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import nets
from gan_jax.nets import (
  ali,
  began,
  bigan,
  cgan,
  cogan,
  conv2014,
  cyclegan,
  dcgan,
  dcgan_conditional,
  dirac,
  discogan,
  improved,
  infogan,
  joint,
  lapgan,
  layers,
  mlp,
  patch,
  plain,
  r3gan,
  resnet,
  sagan,
  sn_cnn,
  text,
  tfd,
  unet,
  unrolled,
  wgan_gp,
  wgan_gp_resnet,
)
from tests.nets.drawn import normal, spec, weights

pytestmark = pytest.mark.usefixtures('native_convolutions')
SMALL, RGB = (8, 8, 1), (16, 16, 3)
HALF = np.full(SMALL, 0.5)


class WithCode(nn.Module):
  """A discriminator of pairs as one of x: the code is the first three numbers of x."""

  of: nn.Module

  @nn.compact
  def __call__(self, x):
    return self.of(x, x.reshape(len(x), -1)[:, :3])


class InOneDomain(nn.Module):
  """A network for several domains, asked for the second."""

  of: nn.Module

  @property
  def shape(self):
    return self.of.shape

  @nn.compact
  def __call__(self, x):
    return self.of(x, jnp.ones(len(x), jnp.int32))


class WithItself(nn.Module):
  """A generator told in words, whose words are z."""

  of: nn.Module

  @property
  def shape(self):
    return self.of.shape

  @nn.compact
  def __call__(self, z):
    return self.of(z, z)


class OverNoise(nn.Module):
  """A generator of detail, whose coarse image is its noise."""

  of: nn.Module

  @property
  def shape(self):
    return self.of.shape

  @nn.compact
  def __call__(self, z):
    return self.of(z, jnp.repeat(z, self.shape[-1], axis=1).reshape(-1, *self.shape))


class OnAverage(nn.Module):
  """A discriminator of patches as one of images."""

  of: nn.Module

  @nn.compact
  def __call__(self, x):
    return self.of(x).mean((1, 2))


GENERATORS = {
  'mlp': mlp.Generator(SMALL, hidden=(6, 5)),
  'mlp points': mlp.Generator((2,), hidden=(6,), output='linear'),
  'mlp marginal': mlp.marginal_generator(SMALL, HALF, hidden=(6,)),
  'plain': plain.Generator((2,), hidden=(6,)),
  'dirac': dirac.Generator((2,)),
  'tfd pretrain': tfd.pretrain_generator(SMALL, HALF, width=7, weights_per_pixel=3),
  'tfd': tfd.generator(SMALL, HALF, width=7, code=4, weights_per_pixel=3),
  'conv2014': conv2014.Generator(SMALL, hidden=6, maps=2),
  'dcgan': dcgan.Generator(RGB, width=2),
  'dcgan wide': dcgan.Generator((8, 16, 2), width=2, output='sigmoid'),
  'dcgan layer': dcgan.Generator(RGB, width=2, norm='layer'),
  'authors': dcgan.AuthorsGenerator(RGB, width=2),
  'wgan_gp': wgan_gp.Generator((10, 14, 3), width=2),
  'wgan_gp mnist': wgan_gp.Generator((14, 14, 1), width=2, norm='none', output='sigmoid'),
  'began': began.Generator(RGB, width=2),
  'resnet': resnet.Generator(RGB, width=3),
  'r3gan': r3gan.Generator(RGB, width=8),
  'sagan': sagan.Generator(RGB, width=4, attend=8),
  'sn_cnn': sn_cnn.Generator(RGB, width=2),
  'wgan_gp_resnet': wgan_gp_resnet.Generator(RGB, width=3),
  'cgan': cgan.Generator(SMALL, own=3, label=4, joint=5),
  'dcgan conditional': dcgan_conditional.Generator(SMALL, width=2, units=5),
  'infogan': infogan.Generator(SMALL, width=2, units=5),
  'ali': ali.Generator((32, 32, 3), width=2),
  'bigan': bigan.Generator(SMALL, width=6),
  'unrolled': unrolled.Generator((2,), hidden=(6,)),
  'improved': improved.Generator(RGB, width=2),
  'improved dense': improved.DenseGenerator(SMALL, hidden=(6, 5)),
}
DISCRIMINATORS = {
  'mlp': (mlp.Discriminator(hidden=(4, 3), pieces=2), SMALL),
  'mlp points': (mlp.Discriminator(hidden=(4,), pieces=2), (2,)),
  'plain': (plain.Discriminator(hidden=(6,), slope=0.2), (2,)),
  'dirac': (dirac.Discriminator(), (2,)),
  'conv2014': (conv2014.Discriminator((2, 2, 3), hidden=3, hidden_pieces=2), RGB),
  'dcgan': (dcgan.Discriminator(width=2), RGB),
  'dcgan layer': (dcgan.Discriminator(width=2, norm='layer'), RGB),
  'dcgan none': (dcgan.Discriminator(width=2, norm='none'), (8, 16, 2)),
  'authors': (dcgan.AuthorsDiscriminator(width=2), RGB),
  'wgan_gp': (wgan_gp.Discriminator(width=2), (10, 14, 3)),
  'resnet': (resnet.Discriminator(width=3), RGB),
  'r3gan': (r3gan.Discriminator(width=8), RGB),
  'sagan': (sagan.Discriminator(width=4, attend=8), RGB),
  'sn_cnn': (sn_cnn.Discriminator(width=2), RGB),
  'wgan_gp_resnet': (wgan_gp_resnet.Discriminator(width=3), RGB),
  'cgan': (cgan.Discriminator((4, 2), (2, 2), (3, 2)), SMALL),
  'dcgan conditional': (dcgan_conditional.Discriminator(width=2, units=5), SMALL),
  'infogan': (infogan.Discriminator(width=2, units=5), SMALL),
  'unrolled': (unrolled.Discriminator(hidden=(6,)), (2,)),
  'joint': (WithCode(joint.Discriminator(hidden=(6,), slope=0.2)), SMALL),
  'joint ali': (WithCode(ali.Discriminator(width=2)), (32, 32, 3)),
  'joint bigan': (WithCode(bigan.Discriminator(width=6, logit_init=layers.DCGAN_INIT)), SMALL),
  'improved': (improved.Discriminator(width=2), RGB),
  'improved dense': (improved.DenseDiscriminator((6, 5)), SMALL),
}
ALL = {f'{n} G': (m, (5,)) for n, m in GENERATORS.items()} | {
  f'{n} D': md for n, md in DISCRIMINATORS.items()
}
OTHERS = {
  'lapgan G': (OverNoise(lapgan.Generator((8, 8, 3), width=2)), (64,)),
  'lapgan D': (lapgan.Discriminator(width=2), RGB),
  'text G': (WithItself(text.Generator(RGB, width=4, words=3)), (5,)),
  'text D': (WithCode(text.Discriminator(width=4, words=3)), RGB),
  'unet G': (unet.Generator(RGB, width=2), RGB),
  'cyclegan G': (cyclegan.Generator(RGB, width=2, blocks=1), RGB),
  'discogan G': (discogan.Generator(RGB, width=2), RGB),
  'patch D': (OnAverage(patch.Discriminator(width=2, layers=2)), RGB),
  'cogan G': (InOneDomain(cogan.Generator((28, 28, 1), width=2)), (5,)),
  'cogan D': (InOneDomain(cogan.Discriminator((2, 3), 5)), (28, 28, 1)),
}
ALL |= OTHERS
CONDITIONAL = [
  (mlp.Generator(SMALL, hidden=(6,), classes=3), (5,)),
  (mlp.Discriminator(hidden=(4,), classes=3), SMALL),
  (plain.Generator((2,), classes=3), (5,)),
  (plain.Discriminator(classes=3), (2,)),
  (dcgan.Generator(RGB, width=2, classes=3), (5,)),
  (dcgan.Discriminator(width=2, classes=3), RGB),
  (dcgan.AuthorsGenerator(RGB, width=2, classes=3), (5,)),
  (dcgan.AuthorsDiscriminator(width=2, classes=3), RGB),
  (wgan_gp.Generator(RGB, width=2, classes=3), (5,)),
  (wgan_gp.Discriminator(width=2, classes=3), RGB),
  (cgan.Generator(SMALL, classes=3), (5,)),
  (cgan.Discriminator(classes=3), SMALL),
  (dcgan_conditional.Generator(SMALL, width=2, units=5, classes=3), (5,)),
  (dcgan_conditional.Discriminator(width=2, units=5, classes=3), SMALL),
  (resnet.Discriminator(width=3, classes=3), RGB),
  (r3gan.Generator(RGB, width=8, classes=3), (5,)),
  (r3gan.Discriminator(width=8, classes=3), RGB),
  (sagan.Discriminator(width=4, attend=8, classes=3), RGB),
  (sn_cnn.Generator(RGB, width=2, classes=3), (5,)),
  (sn_cnn.Discriminator(width=2, classes=3), RGB),
]


# One of each kind of layer: maxout, transposed, strided, residual, grouped and reflecting
# convolutions, attention; BatchNorm, layer and instance norm, normalised weights; two inputs.
KINDS = {
  'mlp D', 'conv2014 D', 'dcgan G', 'dcgan layer D', 'resnet G', 'r3gan D', 'sagan D',
  'improved dense G', 'joint bigan D', 'cyclegan G',
}  # fmt: skip
# How a network can be told the class: beside its input, at every layer, by gains of its own, by an
# embedding and by a projection.
TOLD = ('plain.Generator', 'dcgan.Discriminator', 'sn_cnn.Generator', 'r3gan.Generator',
        'resnet.Discriminator')  # fmt: skip


def each(names):
  """A case for each network, `slow` but for one of each kind."""
  mark = lambda n: n if n in KINDS else pytest.param(n, marks=pytest.mark.slow)
  return pytest.mark.parametrize('name', [mark(n) for n in names])


@functools.cache
def built(name):
  module, shape = ALL[name]
  return layers.net(module, spec((2, *shape))), shape


def linen_classes():
  for info in pkgutil.iter_modules(nets.__path__):
    module = importlib.import_module(f'gan_jax.nets.{info.name}')
    for _, cls in inspect.getmembers(module, inspect.isclass):
      if issubclass(cls, nn.Module) and cls.__module__ == module.__name__:
        yield cls


@pytest.mark.parametrize('cls', list(linen_classes()), ids=lambda c: f'{c.__module__}.{c.__name__}')
def test_net_takes_no_mode(cls):
  names = set(inspect.signature(cls).parameters) | set(inspect.signature(cls.__call__).parameters)
  assert not names & {'train', 'training', 'deterministic', 'use_running_average', 'eval', 'mode'}


def test_net_of_every_module_is_tried_here():
  tried = {type(getattr(module, 'of', module)) for module, _ in ALL.values()}
  ends = ('Generator', 'Discriminator')
  assert {c for c in linen_classes() if c.__name__.endswith(ends)} <= tried
  assert set(ALL) >= KINDS


@pytest.mark.parametrize('name', ALL)
def test_net_has_weights_and_nothing_else(name):
  module, _ = ALL[name]
  net, shape = built(name)
  params = jax.eval_shape(net.init, jax.random.key(0))
  apply = functools.partial(module.apply, mutable=True)
  out, made = jax.eval_shape(apply, {'params': params}, spec((6, *shape)))
  assert set(made) - {'statistics'} <= {'params'}  # which BatchNorm gives only where it is asked
  assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(params))
  if name.endswith('G'):
    maker = module.tail if isinstance(module, tfd.Chain) else module
    assert out.shape == (6, *maker.shape)
  else:
    assert out.shape == (6,)


def slope_of_penalty(net):
  """What the weights are moved by where the slope of D at its examples is penalised."""

  def penalty(params, x):
    slopes = jax.grad(lambda x: net.apply(params, x).sum())(x)
    return jnp.sum(slopes**2)

  return jax.grad(penalty)


@pytest.mark.parametrize('name', [n for n in ALL if n.endswith('D') and n not in KINDS])
def test_net_of_d_has_a_second_derivative(name):
  net, shape = built(name)
  params = jax.eval_shape(net.init, jax.random.key(0))
  slope = jax.eval_shape(slope_of_penalty(net), params, spec((3, *shape)))
  assert jax.tree.map(jnp.shape, slope) == jax.tree.map(jnp.shape, params)


@each([n for n in ALL if n.endswith('D')])
def test_net_of_d_has_a_finite_second_derivative(name):
  net, shape = built(name)
  leaves = jax.tree.leaves(jax.jit(slope_of_penalty(net))(weights(net), normal(3, *shape)))
  assert all(np.isfinite(leaf).all() for leaf in leaves)
  assert any(np.any(leaf) for leaf in leaves)


def merged(params, statistics):
  """The weights with statistics beside them, as calibration leaves them."""
  if not isinstance(statistics, dict):
    return statistics
  return {**params, **{k: merged(params.get(k, {}), v) for k, v in statistics.items()}}


@each(ALL)
def test_net_does_with_an_example_alone_what_it_does_in_a_batch(name):
  net, shape = built(name)
  x = normal(3, *shape)
  others = np.concatenate([x[:1], 9 + normal(2, *shape, seed=7)])

  def everything(params):
    statistics = {} if net.statistics is None else net.statistics(params, x)
    calibrated = merged(params, statistics)
    again = {} if net.statistics is None else net.statistics(calibrated, x)
    # Of loops each body is compiled once.
    batches = jax.lax.map(lambda x: net.apply(calibrated, x), jnp.stack([x, others]))
    alone = jax.lax.map(lambda x: net.apply(calibrated, x[None])[0], x)
    uncalibrated = batches[0] if net.statistics is None else net.apply(params, x)
    return statistics, again, uncalibrated, *batches, alone

  found = jax.jit(everything)(weights(net))
  statistics, again, uncalibrated, together, surrounded, alone = jax.tree.map(np.asarray, found)
  leaves = {path[-1].key for path, _ in jax.tree_util.tree_leaves_with_path(statistics)}
  assert leaves == (set() if net.statistics is None else {'mean', 'var'})
  jax.tree.map(np.testing.assert_array_equal, again, statistics)  # calibrating twice is no harm
  close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5)
  assert np.isfinite(together).all()
  close(together, uncalibrated)  # one batch's statistics give that batch what it had
  close(together, alone)
  close(together[:1], surrounded[:1])


def test_net_has_statistics_only_with_batch_norm():
  with_norm = {
    'dcgan',
    'dcgan wide',
    'authors',
    'wgan_gp',
    'resnet',
    'improved',
    'improved dense',
    'ali',
    'bigan',
    'infogan',
    'dcgan conditional',
    'sagan',
    'sn_cnn',
    'wgan_gp_resnet',
  }
  found = {n for n in GENERATORS if built(f'{n} G')[0].statistics is not None}
  assert found == with_norm
  found = {n for n in DISCRIMINATORS if built(f'{n} D')[0].statistics is not None}
  assert found == {'dcgan', 'authors', 'joint bigan', 'infogan', 'dcgan conditional'}


def named(module):
  return f'{type(module).__module__.removeprefix("gan_jax.nets.")}.{type(module).__name__}'


@pytest.mark.parametrize(('module', 'shape'), [
  pytest.param(*case, id=named(case[0]),
               marks=() if named(case[0]) in TOLD else pytest.mark.slow)
  for case in CONDITIONAL
])  # fmt: skip
def test_net_told_another_class_answers_otherwise(module, shape):
  x, label = normal(3, *shape), np.arange(3, dtype=np.int32)
  net = layers.net(module, x, label)
  apply, params = jax.jit(net.apply), weights(net)
  changed = np.asarray(apply(params, x, label) != apply(params, x, (label + 1) % 3))
  assert changed.reshape(3, -1).any(1).all()
