"""Path length and conditioning, of generators of which both are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import priors, sampling
from gan_jax import step as steps
from gan_jax.data.transforms import chain, scale
from gan_jax.features.extractor import Extractor
from gan_jax.game import Net, Objective
from gan_jax.metrics import latent_path
from gan_jax.metrics.latent_path import conditioning, lengths, path_length, trimmed
from gan_jax.paths import lerp, slerp
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 16)).astype(np.float32)


def drawing(G, inputs=('z',), z=3):
  """The sampler of a game of G alone, in [-1, 1]."""
  game = steps.Game(
    {'G': Net(lambda key: (), lambda p, *a, key=None: G(*a))}, {}, Objective({}), {}
  )
  make = sampling.make_sampler(
    game, priors.normal(z), chain([scale()]), inputs=inputs, critic='', classes=2, batch=8
  )
  return make(steps.init(game, KEY))


linear = lambda z: (z @ (A / 50)).reshape(-1, 4, 4, 1)
source = source_of(np.zeros((4, 4, 4, 1), np.uint8))


@pytest.fixture(scope='module')
def straight():
  """The sampler of the linear generator."""
  return drawing(linear)


def test_path_length_of_a_linear_generator_is_in_closed_form(straight):
  found = path_length(straight, source, KEY, n=2000, way='lerp', epsilon=1e-2, trim=0)
  wanted = 2 * np.sum((A / 50) ** 2) / 4  # E|A'(z2 - z1)|^2, the pixels being halved
  assert abs(found['untrimmed'] - wanted) < 4 * found['stderr']
  assert found['path_length'] == found['untrimmed']


def test_lengths_are_each_of_its_own_ends_at_any_epsilon():
  z, towards = RNG.normal(size=(2, 40, 3))
  see = lambda z, rows: np.asarray(z, np.float64) @ A
  for epsilon in (1e-3, 0.5):
    found = lengths(see, z, towards, RNG.uniform(size=40), epsilon=epsilon, way=lerp)
    np.testing.assert_allclose(found, np.sum(((towards - z) @ A) ** 2, 1), rtol=2e-3)


def test_lengths_are_torch_fidelitys(torch_fidelity):
  import torch
  from torch_fidelity.noise import batch_lerp, batch_slerp_any

  z, towards = RNG.normal(size=(2, 50, 6)).astype(np.float32)
  rng = np.random.RandomState(2020)
  both = [torch.from_numpy(rng.randn(50, 6)).float() for _ in range(2)]
  for way, theirs in ((slerp, batch_slerp_any), (lerp, batch_lerp)):
    for t in (0.0, 0.01, 0.6):
      wanted = theirs(torch.from_numpy(z), torch.from_numpy(towards), t)
      np.testing.assert_allclose(way(z, towards, np.full(50, t)), wanted, atol=2e-6)

  B = RNG.normal(size=(6, 48)).astype(np.float32) / 20

  class Linear(torch.nn.Module):
    def forward(self, z):
      return torch.clip(128 + 127 * (z @ torch.from_numpy(B)), 0, 255).reshape(-1, 3, 4, 4)

  class Squares(torch_fidelity.SampleSimilarityBase):
    def __init__(self, name='squares', **options):
      super().__init__(name)

    def forward(self, a, b):
      return ((a - b).float() ** 2).sum((1, 2, 3)) / 255**2

  torch_fidelity.register_sample_similarity('squares', Squares)
  model = torch_fidelity.GenerativeModelModuleWrapper(Linear(), 6, 'normal', 0)
  theirs = torch_fidelity.calculate_metrics(
    input1=model, input1_model_num_samples=50, ppl=True, ppl_epsilon=1e-2, ppl_reduction='none',
    ppl_z_interp_mode='slerp_any', ppl_sample_similarity='squares', ppl_sample_similarity_resize=4,
    ppl_sample_similarity_dtype='float32', ppl_discard_percentile_lower=None,
    ppl_discard_percentile_higher=None, cuda=False, verbose=False, batch_size=50,
    save_cpu_ram=True, rng_seed=2020,
  )  # fmt: skip
  see = lambda z, rows: np.clip(128 + 127 * (z @ B), 0, 255) / 255
  ours = lengths(see, *(a.numpy() for a in both), np.zeros(50), epsilon=1e-2)
  np.testing.assert_allclose(ours, theirs['perceptual_path_length_raw'], rtol=1e-3)
  assert np.mean(ours) == pytest.approx(theirs['perceptual_path_length_mean'], rel=1e-4)


def test_trimmed_leaves_out_the_ends():
  values = RNG.permutation(201).astype(float)
  kept = np.sort(trimmed(values, 0.01))
  assert (kept[0], kept[-1], len(kept)) == (2, 198, 197)
  np.testing.assert_array_equal(trimmed(values, 0), values)


def test_lengths_of_a_jump_between_images_are_long():
  z, towards = RNG.normal(size=(2, 200, 3))
  t = RNG.uniform(size=200)
  of = lambda steep: np.mean(
    trimmed(lengths(lambda z, rows: np.tanh(steep * np.float64(z) @ A), z, towards, t))
  )
  assert of(5) > 3 * of(1 / 5)


def test_path_length_is_of_images_that_are_not_rounded(straight):
  sum_ = Extractor('sum', jnp.float32(2), lambda w, x: {'features': w * jnp.sum(x, (1, 2))})
  found = path_length(straight, source, KEY, features=sum_, n=500, way='lerp', epsilon=1e-3)
  pixels = (A / 50).sum(1) * 255  # two times half of it
  assert found['untrimmed'] == pytest.approx(2 * np.sum(pixels**2), rel=0.3)
  assert found['path_length'] < found['untrimmed']  # squares, of which the longest weigh most
  assert found['protocol']['features'] == 'sum'


def test_path_length_leaves_out_the_shortest_and_longest(straight, monkeypatch):
  """A hundredth of either, of the mean and of its error."""
  whole = RNG.exponential(size=201)
  monkeypatch.setattr(latent_path, 'lengths', lambda *of, **how: whole)
  found, kept = path_length(straight, source, KEY, n=201), np.sort(whole)[2:-2]
  assert found['path_length'] == pytest.approx(kept.mean())
  assert found['stderr'] == pytest.approx(kept.std() / np.sqrt(197))
  assert found['untrimmed'] == pytest.approx(whole.mean())


@pytest.mark.parametrize('inputs', [('z',), ('z', 'label'), ('label', 'z')])
def test_conditioning_of_a_linear_generator_is_exact(straight, inputs):
  """Wherever z is among what it takes, and whatever else that is."""
  at, y = inputs.index('z'), 1 - inputs.index('z')
  scaled = lambda *a: linear(a[at]) * (1 + a[y][:, None, None, None])
  sampler = straight if len(inputs) == 1 else drawing(scaled, inputs)
  found = conditioning(sampler, source, KEY, n=5)
  s = np.linalg.svd(A.astype(np.float64), compute_uv=False)
  assert found['conditioning'] == pytest.approx(2 * np.log(s[0] / s[-1]), rel=1e-5)
  assert found['spread'] == pytest.approx(0, abs=1e-5)
  assert found['rank'] == 3
  assert found['largest'] / found['smallest'] == pytest.approx(s[0] / s[-1], rel=1e-5)


def test_path_length_finds_z_where_it_is():
  G = lambda y, z: linear(z)
  assert path_length(drawing(G, ('label', 'z')), source, KEY, n=9)['path_length'] > 0


def test_singular_values_are_those_of_differences_where_g_bends():
  G = lambda z: jnp.sin(z @ A).reshape(-1, 4, 4, 1)
  z = np.asarray(priors.normal(3)(KEY, 4))
  found = latent_path.singular_values(G, z)
  for row, at in zip(found, z.astype(np.float64), strict=True):
    step = 1e-6 * np.eye(3)
    J = [(np.sin((at + s) @ A) - np.sin((at - s) @ A)) / 2e-6 for s in step]
    np.testing.assert_allclose(row, np.linalg.svd(np.array(J), compute_uv=False), rtol=1e-4)


def test_singular_values_take_layers_that_know_pull_backs_only():
  @jax.custom_vjp
  def layer(x):
    return jnp.sin(x)

  layer.defvjp(lambda x: (jnp.sin(x), x), lambda x, u: (u * jnp.cos(x),))
  z = np.asarray(priors.normal(3)(KEY, 2))
  found = latent_path.singular_values(lambda z: layer(z @ A).reshape(-1, 4, 4, 1), z)
  wide = z.astype(np.float64)
  expected = [np.linalg.svd(A * np.cos(row @ A), compute_uv=False) for row in wide]
  np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_conditioning_of_dead_directions_is_what_float32_can_tell():
  dead = drawing(lambda z: linear(z * jnp.float32([[1, 1, 0]])))
  found = conditioning(dead, source, KEY, n=3)
  assert found['rank'] == 2
  assert found['conditioning'] == pytest.approx(-2 * np.log(16 * 2**-23))
  wide = drawing(lambda z: jnp.tanh(z[:, :16]).reshape(-1, 4, 4, 1), z=20)
  assert conditioning(wide, source, KEY, n=3)['rank'] == 16


def test_path_length_and_conditioning_refuse_what_has_none(straight):
  still = sampler_of(np.zeros((3, 4, 4, 1), np.uint8))
  for measure in (path_length, conditioning):
    with refused('no z'):
      measure(still, source, KEY, n=2)
  with refused("way='straight'", 'slerp', 'lerp'):
    path_length(straight, source, KEY, way='straight')
  with refused('epsilon=0'):
    path_length(straight, source, KEY, epsilon=0)
  with refused('nan'):
    lengths(lambda z, rows: z * np.nan, np.ones((2, 2)), np.ones((2, 2)), np.zeros(2))
  with refused('depend on z'):
    conditioning(drawing(lambda z: jnp.zeros((len(z), 4, 4, 1))), source, KEY, n=2)
