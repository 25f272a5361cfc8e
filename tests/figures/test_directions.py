"""Directions: of a linear generator both ways find the singular vectors of its matrix."""

from types import SimpleNamespace

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import inside, priors
from gan_jax.figures import directions
from gan_jax.nets import dcgan
from gan_jax.nets.layers import net
from tests.messages import refused

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
RIGHT = np.linalg.qr(RNG.normal(size=(6, 6)))[0].T  # rows: the singular vectors in z
LEFT = np.linalg.qr(RNG.normal(size=(16, 6)))[0]
SIZES = np.array([5.0, 4, 3, 2, 1, 0.5])
W = LEFT * SIZES @ RIGHT  # f64[16,6]


def white(n=500):
  """z f64[n,6] whose covariance is the identity exactly."""
  z = RNG.normal(size=(n, 6))
  z -= z.mean(0)
  u, _, v = np.linalg.svd(z, full_matrices=False)
  return u @ v * np.sqrt(n - 1)


def same_lines(found, expected, atol):
  np.testing.assert_allclose(np.abs(np.sum(found * expected, axis=1)), 1, atol=atol)
  np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=atol)


def test_principal_of_a_linear_map_finds_its_singular_vectors():
  z = white()
  found, deviation = directions.principal(z, z @ W.T + 3, 4)
  same_lines(found, RIGHT[:4], 1e-9)
  np.testing.assert_allclose(deviation, SIZES[:4], rtol=1e-9)
  # Of twice the z with half the W the step is twice as long.
  longer, _ = directions.principal(2 * z, z @ W.T, 4)
  np.testing.assert_allclose(longer, 2 * found, rtol=1e-6)
  # What has fewer dimensions than are asked for has no more directions.
  flat, _ = directions.principal(z, z @ W.T @ LEFT[:, :2] @ LEFT[:, :2].T, 4)
  assert len(flat) == 2


def test_factors_are_the_singular_vectors_too():
  found, values = directions.factors(W, 6)
  same_lines(found, RIGHT, 1e-9)
  np.testing.assert_allclose(values, SIZES**2, rtol=1e-9)
  assert (found[np.arange(6), np.abs(found).argmax(1)] > 0).all()
  np.testing.assert_array_equal(directions.signed(-found), found)


def test_first_map_is_the_matrix_of_the_layer():
  b = RNG.normal(size=16)
  np.testing.assert_allclose(directions.first_map(lambda z: z @ W.T + b, 6), W, atol=1e-5)
  for bent in (lambda z: np.maximum(z @ W.T, 0), lambda z: np.ones((len(z), 4))):
    with refused('affine'):
      directions.first_map(bent, 6)


class Linear(nn.Module):
  @nn.compact
  def __call__(self, z):
    return nn.tanh(nn.Dense(16)(z) / 20).reshape(-1, 4, 4, 1)


def drawing(function, prior=None, seen=None):
  """A sampler of such a generator, which keeps the z that it was given in `seen`."""
  prior, made = prior or priors.normal(6), jax.jit(function)

  def generate(z):
    if seen is not None:
      seen.append(np.asarray(z))
    return np.asarray(made(z))

  return SimpleNamespace(
    prior=prior,
    z_at=0,
    fill=lambda key, n: (prior(key, n),),
    generate=generate,
    display=lambda x: np.uint8(127.5 + 127.5 * np.clip(x, -1, 1)),
    function=lambda name, *given, key=None: function,
  )


def test_ganspace_and_sefa_go_along_them_through_one_sample():
  params = {'params': {'Dense_0': {'kernel': jnp.float32(W.T), 'bias': jnp.ones(16)}}}
  function = lambda z: Linear().apply(params, z)
  for figure, options in ((directions.ganspace, {'n': 4000}), (directions.sefa, {})):
    seen = []
    found = figure(drawing(function, seen=seen), None, KEY, rows=3, steps=5, reach=2, **options)
    (z,) = seen
    z = z.reshape(3, 5, 6)
    np.testing.assert_allclose(z[:, 2], np.stack([z[0, 2]] * 3), atol=1e-6)
    same_lines((z[:, 4] - z[:, 0]) / 4, RIGHT[:3], 0.05)
    np.testing.assert_allclose(z[:, 4] - z[:, 2], z[:, 2] - z[:, 0], atol=1e-5)
    picture = next(iter(found.values()))
    assert picture.shape[1] > picture.shape[0]
  found = directions.ganspace(drawing(function), None, KEY, rows=3, n=4000)
  assert found['explained'] == pytest.approx(np.sum(SIZES[:3] ** 2) / np.sum(SIZES**2), abs=0.03)


def test_sefa_of_a_dcgan_is_of_the_projection_without_its_norm():
  made = net(dcgan.Generator((16, 16, 1), width=3), jnp.zeros((2, 6)))
  params = made.init(KEY)
  function = lambda z: made.apply(params, z)
  seen = []
  directions.sefa(drawing(function, seen=seen), None, KEY, rows=2, steps=3, reach=1)
  z = seen[0].reshape(2, 3, 6)
  _, _, right = np.linalg.svd(np.asarray(params['Dense_0']['kernel'], np.float64).T)
  steps = z[:, 2] - z[:, 1]
  steps /= np.linalg.norm(steps, axis=1, keepdims=True)
  same_lines(steps, right[:2], 1e-3)
  assert inside.first(function, z[0]).name == 'Dense_0'
  assert inside.find(function, jnp.float32(z[0]))[0].name == 'BatchNorm_0'
  picture = directions.ganspace(drawing(function), None, KEY, rows=2, n=64, layer='BatchNorm_1')
  assert picture['ganspace'].dtype == np.uint8


def test_ganspace_and_sefa_refuse_a_generator_without_z():
  sampler = drawing(lambda z: z)
  sampler.prior = None
  for figure in (directions.ganspace, directions.sefa):
    with refused('no z'):
      figure(sampler, None, KEY)
