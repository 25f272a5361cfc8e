"""AC-GAN against NumPy, on networks small enough to write out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax import config, pairs, penalties
from gan_jax.game import Bound, Net
from gan_jax.objectives.acgan import acgan
from gan_jax.step import Game, Player
from tests.messages import refused
from tests.objectives.playing import moved, paid

KEY = jax.random.key(0)
Z = np.float32([[0.5], [-1.0], [2.0], [0.0]])
X = np.float32([[1.0, 2.0], [0.0, -1.0], [3.0, 0.5], [-2.0, 1.0]])
Y = np.int32([2, 0, 1, 2])
A = np.float32([[2.0, -1.0]])
B = np.float32([[0.1, 0.2], [-0.3, 0.5], [1.0, -1.0]])  # G(z, y) = z A + B[y]
U, V = np.float32([[0.5, -1.0], [1.0, 0.3]]), np.float32([1.0, -2.0])  # logit tanh(x U) V
W = np.float32([[0.3, -0.7, 1.1], [0.9, 0.2, -0.4]])  # classes x W
BATCH = {'image': X, 'label': Y}


def nets():
  weights = {'A': A, 'B': jnp.asarray(B)}
  G = Net(lambda key: weights, lambda w, z, y, key=None: z @ w['A'] + w['B'][y])

  def judge(w, x, key=None):
    return {'logit': jnp.tanh(x @ w['U']) @ w['V'], 'classes': x @ w['W']}

  return {'G': G, 'D': Net(lambda key: {'U': U, 'V': V, 'W': W}, judge)}


def bound(**functions):
  params = {name: net.init(KEY) for name, net in nets().items()}
  return Bound(nets(), params).let(**functions)


def prior(key, n):
  del key, n
  return jnp.asarray(Z)


def play(objective, nets=None, seen=None):
  """(D's cost, its scalars, G's cost, its scalars)."""
  costs = paid(objective, nets or bound(), BATCH, seen=seen)
  return *costs['D'], *costs['G']


def by_numpy():
  """(fake, r, f, -log P(y|x) of real images, of fakes), in float64."""
  fake = np.float64(Z) @ A + B[Y]
  critic = lambda x: np.tanh(np.float64(x) @ U) @ V
  logits = lambda x: np.float64(x) @ W
  surprise = lambda x: np.log(np.exp(logits(x)).sum(1)) - logits(x)[np.arange(4), Y]
  return fake, critic(X), critic(fake), surprise(X).mean(), surprise(fake).mean()


def test_acgan_of_the_paper_is_numpys():
  """D minimises -(L_S + L_C), G minimises L_S - L_C, of which only the fakes' terms are G's."""
  _, r, f, c_real, c_fake = by_numpy()
  d, of_d, g, of_g = play(acgan(prior, pair=pairs.minimax()))
  s = lambda v: 1 / (1 + np.exp(-v))
  log_s = np.mean(np.log(s(r))) + np.mean(np.log(1 - s(f)))
  np.testing.assert_allclose(d, -(log_s - c_real - c_fake), rtol=1e-5)
  np.testing.assert_allclose(g, np.mean(np.log(1 - s(f))) + c_fake, rtol=1e-5)
  np.testing.assert_allclose([of_d['real'], of_d['fake']], [r.mean(), f.mean()], rtol=1e-5)
  np.testing.assert_allclose([of_d['classes'], of_g['classes']], [c_real, c_fake], rtol=1e-5)
  assert of_d['accuracy'] == np.mean(np.argmax(X @ W, axis=1) == Y)


def test_acgan_has_the_class_terms_of_wgan_gp_and_its_penalty():
  """Real classes in D times 1, fake ones in G times 0.1 (Gulrajani et al. 2017)."""
  fake, r, f, c_real, c_fake = by_numpy()
  terms = [penalties.r2(weight=3.0)]
  weights = dict(d_real=1.0, d_fake=0.0, g_fake=0.1)
  d, of_d, g, _ = play(acgan(prior, pair=pairs.wasserstein(), penalties=terms, **weights))
  slope = np.sum((((1 - np.tanh(fake @ U) ** 2) * V) @ U.T) ** 2, axis=1).mean() / 2
  np.testing.assert_allclose(of_d['r2'], slope, rtol=1e-5)
  np.testing.assert_allclose(d, f.mean() - r.mean() + c_real + 3 * slope, rtol=1e-5)
  np.testing.assert_allclose(g, -f.mean() + 0.1 * c_fake, rtol=1e-5)


def test_acgan_tells_g_the_class_and_d_none():
  seen = []
  G = lambda z, *told, key: (seen.append(told), jnp.tile(z, (1, 2)))[1]
  judge = bound().D
  D = lambda x, *told, key: (seen.append(told), judge(x))[1]
  play(acgan(prior, pair=pairs.hinge()), bound(G=G, D=D), seen)
  assert [len(told) for told in seen] == [1, 0, 0] * 2
  np.testing.assert_array_equal(seen[0][0], Y)


def test_acgan_moves_change_what_their_player_owns():
  players = {n: Player((n,), optax.sgd(0.1)) for n in 'DG'}
  objective = acgan(prior, pair=pairs.nonsaturating())
  assert moved(Game(nets(), players, objective, {}), BATCH) == {'D': {'D'}, 'G': {'G'}}
  assert objective.advance(objective.init(), {}) == 1


def test_acgan_refuses_a_critic_without_the_head_by_name():
  D = lambda x, key: {'logit': x[:, 0], 'features': x}
  for critic in (D, lambda x, key: x[:, 0]):
    with refused("'classes'", 'heads=dict(classes=...)'):
      play(acgan(prior, pair=pairs.hinge()), bound(D=critic))


def test_build_makes_acgan_with_its_weights():
  spec = dict(name='acgan', pair='hinge', d_fake=0.0, g_fake=0.1)
  objective = config.build(spec, 'objectives', prior=prior)
  same = acgan(prior, pair=pairs.hinge(), d_fake=0.0, g_fake=0.1)
  assert play(objective)[0] == play(same)[0]
  assert play(objective)[2] == play(same)[2]
