"""Packs: what is put beside what, and that only the first layer of D grows."""

from functools import partial

import jax
import numpy as np
import pytest

from gan_jax import assemble, config
from gan_jax.game import Net
from gan_jax.nets import dcgan, layers
from gan_jax.nets.packed import pack, packed, widened
from tests.messages import refused
from tests.nets.drawn import normal, spec, weights

pytestmark = pytest.mark.usefixtures('native_convolutions')


@pytest.mark.parametrize('shape', [(2,), (3, 5, 2)])
@pytest.mark.parametrize('m', [1, 2, 3])
def test_pack_puts_examples_in_a_row_side_by_side_in_the_channels(shape, m):
  x = np.random.default_rng(0).normal(size=(6, *shape)).astype(np.float32)
  packs = pack(x, m)
  expected = [np.concatenate(x[i : i + m], axis=-1) for i in range(0, 6, m)]
  np.testing.assert_array_equal(packs, expected)


def test_pack_refuses_labels_and_a_batch_that_does_not_divide():
  with refused('6 examples', 'packs of 4'):
    pack(np.zeros((6, 2), np.float32), 4)
  with refused('labels'):
    pack(np.zeros(6, np.int32), 2)


def test_packed_net_takes_every_input_in_packs():
  inner = Net(lambda key: (), lambda w, x, z, key=None: x.sum(1) * z[:, 0] + z[:, 3])
  x, z = np.arange(12.0).reshape(6, 2), np.arange(12.0, 24).reshape(6, 2)
  out = packed(inner, 2).apply((), x, z, key=None)
  np.testing.assert_allclose(out, x.reshape(3, 4).sum(1) * z[::2, 0] + z[1::2, 1])


def test_packed_net_has_batch_norm_statistics_of_packs():
  m = 2
  example = widened(spec((2, 8, 8, 3)), m)
  assert example.shape == (2, 8, 8, 6)
  plain = layers.net(dcgan.Discriminator(width=2, stages=2), example)
  net, x = packed(plain, m), normal(8, 8, 8, 3)
  params = weights(net)
  assert jax.eval_shape(net.apply, params, x).shape == (4,)
  both = jax.jit(lambda params: (net.statistics(params, x), plain.statistics(params, pack(x, m))))
  jax.tree.map(np.testing.assert_array_equal, *both(params))


def game(d):
  tx = dict(name='sgd', learning_rate=0.1)
  spec = dict(
    data=dict(name='mixture.ring', n=64),
    prior=dict(name='normal', dim=2),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(6,)),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(6,), **d),
    ),
    objective=dict(name='gan', pair='nonsaturating'),
    players=dict(D=dict(tx=tx), G=dict(tx=tx)),
    play='simultaneous',
    rounds=1,
    batch=8,
  )
  whole = assemble.complete(config.experiment(spec))
  source = assemble.open_source(whole)
  known = assemble.facts(source, assemble.transform(whole))
  return whole, assemble.game(whole, known, lambda: np.zeros(2)), known


def test_pack_in_a_config_widens_the_first_layer_and_leaves_no_score():
  sizes = {}
  for m in (1, 3):
    whole, made, known = game(dict(pack=m))
    params = jax.eval_shape(made.nets['D'].init, jax.random.key(0))
    sizes[m] = {path[0].key + path[1].key: a.shape for path, a in
                jax.tree_util.tree_leaves_with_path(params)}  # fmt: skip
    state = jax.jit(partial(assemble.steps.init, made))(jax.random.key(0))
    sampler = assemble.sampler(whole, made, known, {})(state)
    assert (sampler.critic is None) == (m > 1)
  assert {k for k in sizes[1] if sizes[1][k] != sizes[3][k]} == {'Dense_0kernel'}
  assert sizes[3]['Dense_0kernel'] == (6, 6)
