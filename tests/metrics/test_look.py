"""Looking: each set is drawn and seen once, in its order, and kept where that is of use."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import priors, sampling
from gan_jax import step as steps
from gan_jax.data.transforms import chain, scale
from gan_jax.features.extractor import Extractor, named
from gan_jax.game import Net, Objective
from gan_jax.metrics import look as looking
from gan_jax.metrics.look import drawn, images, labelled, look, reference
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def some(n, size=4):
  return RNG.integers(0, 256, (n, size, size, 1)).astype(np.uint8)


def sums(calls=None):
  """Rows and columns summed; counts how often it is traced."""

  def apply(weights, x):
    if calls is not None:
      calls.append(x.shape)
    x = x.astype(jnp.float32) * weights
    return {'features': jnp.sum(x, 1)[..., 0], 'logits': jnp.sum(x, 2)[..., 0]}

  return Extractor(named('sums', 2.0), jnp.float32(2.0), apply)


def test_look_keeps_the_order_of_images_whatever_their_number():
  real, fake = some(150), some(131)
  found = look(sampler_of(fake), source_of(real), KEY, features=sums(), n=131, real_n=150)
  np.testing.assert_array_equal(found.fake.features, 2.0 * fake[..., 0].sum(1))
  np.testing.assert_array_equal(found.real.logits, 2.0 * real[..., 0].sum(2))
  assert found.real.spatial is None
  assert found.protocol['n_real'] == 150
  assert found.protocol['n_fake'] == 131


def test_reference_is_spread_evenly_over_the_split():
  real = some(10)
  found = reference(source_of(real), features=sums(), n=5)
  np.testing.assert_array_equal(found.features, 2.0 * real[::2, ..., 0].sum(1))
  assert len(reference(source_of(real), features=sums(), n=50).features) == 10


def test_look_is_one_pass_and_real_features_are_kept_between_runs():
  calls = []
  extractor, sampler, source = sums(calls), sampler_of(some(70)), source_of(some(70))
  first = look(sampler, source, KEY, features=extractor, n=70)
  passes = len(calls)
  again = look(sampler, source, KEY, features=extractor, n=70)
  assert again.fake.features is first.fake.features
  assert len(calls) == passes
  # Another process would know the weights' digest and find the file.
  renewed = sums(calls)
  reference(source, features=renewed, n=70)
  assert len(calls) == passes


def test_reference_takes_other_weights_for_another_extractor():
  a, b = (Extractor(named('sums', w), jnp.float32(w), sums().apply) for w in (2.0, 3.0))
  source = source_of(some(8))
  assert a.name != b.name
  of = lambda e: np.asarray(reference(source, features=e, n=8).features)
  np.testing.assert_allclose(of(b), 1.5 * of(a))


def generator():
  """z -> an image of 4x4 whose pixels are sigmoid(w z), and a game of nothing else."""
  net = Net(
    init=lambda key: jax.random.normal(key, (3, 16)),
    apply=lambda w, z, key=None: jnp.tanh(z @ w).reshape(-1, 4, 4, 1),
  )
  return steps.Game({'G': net}, {}, Objective({}), {})


def test_look_in_one_call_is_drawing_and_then_looking():
  bind = sampling.make_sampler(generator(), priors.normal(3), chain([scale()]), critic='')
  sampler = bind(steps.init(generator(), KEY))
  assert sampler.shape == (4, 4, 1)
  source = source_of(some(8))
  together = look(sampler, source, KEY, features=sums(), n=130).fake.features
  apart = sampler.display(sampler.draw(KEY, 130))
  np.testing.assert_array_equal(together, 2.0 * apart[..., 0].sum(1))
  np.testing.assert_array_equal(drawn(sampler, KEY, 130), apart)


def test_look_is_compiled_once_for_all_rounds():
  calls = []
  extractor, source = sums(calls), source_of(some(8))
  bind = sampling.make_sampler(generator(), priors.normal(3), chain([scale()]), critic='')
  for seed in range(3):
    state = steps.init(generator(), jax.random.key(seed))
    look(bind(state), source, KEY, features=extractor, n=8)
  assert len(calls) == 2  # of real images and of drawn ones


def test_labelled_has_the_labels_that_were_asked_for():
  found = labelled(sampler_of(some(6), label=np.arange(6) % 3), KEY, 6)[1]
  np.testing.assert_array_equal(found, [0, 1, 2, 0, 1, 2])
  with refused("'label'"):
    labelled(sampler_of(some(6)), KEY, 6)


def test_look_takes_points_for_their_own_features():
  points = RNG.normal(size=(9, 2)).astype(np.float32)
  sampler = sampler_of(points)._replace(generate=lambda rows: points[: len(rows)])
  found = look(sampler, source_of(points), KEY, features='pixels', n=9)
  np.testing.assert_array_equal(found.fake.features, points)
  with refused("features='pixels'"):
    look(sampler, source_of(points), KEY, features=sums(), n=9)
  with refused('images', 'float32(9, 2)'):
    images(sampler, source_of(points), KEY, n=9)


def test_images_of_another_shape_are_as_the_networks_see_them():
  stored = some(5, size=6)
  crop = lambda x: np.asarray(x)[:, 1:5, 1:5] / np.float32(255)
  real, _, _ = images(sampler_of(some(5), see=crop), source_of(stored), KEY, n=5)
  np.testing.assert_array_equal(real, stored[:, 1:5, 1:5])


def test_drawn_refuses_too_few_images():
  with refused('7 images', 'there are 3'):
    drawn(sampler_of(some(3)), KEY, 7)


def test_look_keeps_sets_in_files():
  found = look(sampler_of(some(9)), source_of(some(9)), KEY, features=sums(), n=9)
  assert isinstance(found.fake.features, np.memmap)
  assert isinstance(found.real.features, np.memmap)


def test_look_remembers_few_sets():
  source, extractor = source_of(some(3)), sums()
  for _ in range(20):
    look(sampler_of(some(3)), source, KEY, features=extractor, n=3)
  assert len(looking._LAST) <= 2 * looking.KEPT
