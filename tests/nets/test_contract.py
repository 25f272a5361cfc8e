"""What every network keeps to: no modes, nothing mutable, smooth twice, alone as in a batch."""

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

QUICKLY = {'xla_backend_optimization_level': 0}  # to compile: what is computed is the same
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


def example(shape, n=6, key=0):
  return jax.random.normal(jax.random.key(key), (n, *shape))


@functools.cache
def built(name):
  module, shape = ALL[name]
  net = layers.net(module, jax.ShapeDtypeStruct((2, *shape), jnp.float32))
  return net, net.init(jax.random.key(1)), shape


def linen_classes():
  for info in pkgutil.iter_modules(nets.__path__):
    module = importlib.import_module(f'gan_jax.nets.{info.name}')
    for _, cls in inspect.getmembers(module, inspect.isclass):
      if issubclass(cls, nn.Module) and cls.__module__ == module.__name__:
        yield cls


@pytest.mark.parametrize('cls', list(linen_classes()), ids=lambda c: f'{c.__module__}.{c.__name__}')
def test_no_modes(cls):
  names = set(inspect.signature(cls).parameters) | set(inspect.signature(cls.__call__).parameters)
  assert not names & {'train', 'training', 'deterministic', 'use_running_average', 'eval', 'mode'}


def test_every_network_is_tried():
  tried = {type(getattr(module, 'of', module)) for module, _ in ALL.values()}
  ends = ('Generator', 'Discriminator')
  assert {c for c in linen_classes() if c.__name__.endswith(ends)} <= tried


@pytest.mark.parametrize('name', ALL)
def test_weights_are_all_there_is(name):
  module, shape = ALL[name]
  net, params, _ = built(name)
  init = functools.partial(module.init, mutable=True)
  made = jax.eval_shape(init, jax.random.key(0), example(shape))
  assert set(made) - {'statistics'} == {'params'}  # which BatchNorm gives only where it is asked
  assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(params))
  out = jax.eval_shape(net.apply, params, example(shape))
  if name.endswith('G'):
    maker = module.tail if isinstance(module, tfd.Chain) else module
    assert out.shape == (6, *maker.shape)
  else:
    assert out.shape == (6,)


@pytest.mark.parametrize('name', [n for n in ALL if n.endswith('D')])
def test_differentiable_twice(name):
  net, params, shape = built(name)
  x = example(shape, 3)

  def penalty(params, x):
    slopes = jax.grad(lambda x: net.apply(params, x).sum())(x)
    return jnp.sum(slopes**2)

  leaves = jax.tree.leaves(jax.jit(jax.grad(penalty), compiler_options=QUICKLY)(params, x))
  assert all(bool(jnp.isfinite(leaf).all()) for leaf in leaves)
  assert any(bool(jnp.any(leaf != 0)) for leaf in leaves)


def merged(params, statistics):
  """The weights with statistics beside them, as calibration leaves them."""
  if not isinstance(statistics, dict):
    return statistics
  return {**params, **{k: merged(params.get(k, {}), v) for k, v in statistics.items()}}


@pytest.mark.parametrize('name', ALL)
def test_one_at_a_time_equals_the_batch(name):
  net, params, shape = built(name)
  x = example(shape)
  others = jnp.concatenate([x[:1], 9 + example(shape, 5, key=7)])

  def everything(params):
    statistics = {} if net.statistics is None else net.statistics(params, x)
    calibrated = merged(params, statistics)
    again = {} if net.statistics is None else net.statistics(calibrated, x)
    together = net.apply(calibrated, x)
    alone = jax.lax.map(lambda x: net.apply(calibrated, x[None])[0], x)
    surrounded = net.apply(calibrated, others)
    return statistics, again, net.apply(params, x), together, alone, surrounded

  found = jax.jit(everything, compiler_options=QUICKLY)(params)
  statistics, again, uncalibrated, together, alone, surrounded = found
  leaves = {path[-1].key for path, _ in jax.tree_util.tree_leaves_with_path(statistics)}
  assert leaves == (set() if net.statistics is None else {'mean', 'var'})
  jax.tree.map(np.testing.assert_array_equal, again, statistics)  # calibrating twice is no harm
  close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5)
  assert np.isfinite(together).all()
  close(together, uncalibrated)  # one batch's statistics give that batch what it had
  close(together, alone)
  close(together[:1], surrounded[:1])


def test_statistics_only_where_there_is_batch_norm():
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


@pytest.mark.parametrize('case', CONDITIONAL, ids=lambda c: f'{type(c[0]).__module__[13:]}{c[1]}')
def test_the_label_matters(case):
  module, shape = case
  x, label = example(shape), jnp.arange(6) % 3
  net = layers.net(module, x, label)
  apply = jax.jit(net.apply, compiler_options=QUICKLY)
  params = net.init(jax.random.key(0))
  changed = apply(params, x, label) != apply(params, x, (label + 1) % 3)
  assert bool(changed.reshape(6, -1).any(1).all())
