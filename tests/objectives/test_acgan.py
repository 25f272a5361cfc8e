"""AC-GAN against NumPy, on networks small enough to write out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import config, pairs, penalties
from gan_jax import step as steps
from gan_jax.errors import InputError
from gan_jax.game import Bound, Net
from gan_jax.objectives.acgan import acgan
from gan_jax.step import Game, Player

KEY = jax.random.key(0)
Z = np.float32([[0.5], [-1.0], [2.0], [0.0]])
X = np.float32([[1.0, 2.0], [0.0, -1.0], [3.0, 0.5], [-2.0, 1.0]])
Y = np.int32([2, 0, 1, 2])
A = np.float32([[2.0, -1.0]])
B = np.float32([[0.1, 0.2], [-0.3, 0.5], [1.0, -1.0]])  # G(z, y) = z A + B[y]
U, V = np.float32([[0.5, -1.0], [1.0, 0.3]]), np.float32([1.0, -2.0])  # logit tanh(x U) V
W = np.float32([[0.3, -0.7, 1.1], [0.9, 0.2, -0.4]])  # classes x W
BATCH = {'image': jnp.asarray(X), 'label': jnp.asarray(Y)}


def nets():
  G = Net(lambda key: {'A': A, 'B': B}, lambda w, z, y, key=None: z @ w['A'] + w['B'][y])

  def judge(w, x, key=None):
    return {'logit': jnp.tanh(x @ w['U']) @ w['V'], 'classes': x @ w['W']}

  return {'G': G, 'D': Net(lambda key: {'U': U, 'V': V, 'W': W}, judge)}


def bound(**functions):
  params = {name: net.init(KEY) for name, net in nets().items()}
  return Bound(nets(), params).let(**functions)


def prior(key, n):
  del key, n
  return jnp.asarray(Z)


def play(objective, nets=None):
  """(D's cost, its scalars, G's cost, its scalars)."""
  drawn, carry, nets = objective.draw(BATCH, KEY), objective.init(), nets or bound()
  d, g = (objective.losses[n](nets, BATCH, drawn, carry) for n in 'DG')
  return *d, *g


def by_numpy():
  """(fake, r, f, -log P(y|x) of real images, of fakes), in float64."""
  fake = np.float64(Z) @ A + B[Y]
  critic = lambda x: np.tanh(np.float64(x) @ U) @ V
  logits = lambda x: np.float64(x) @ W
  surprise = lambda x: np.log(np.exp(logits(x)).sum(1)) - logits(x)[np.arange(4), Y]
  return fake, critic(X), critic(fake), surprise(X).mean(), surprise(fake).mean()


def test_the_papers_game_is_numpys():
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


def test_the_class_terms_of_wgan_gp_and_its_penalty():
  """Real classes in D times 1, fake ones in G times 0.1 (Gulrajani et al. 2017)."""
  fake, r, f, c_real, c_fake = by_numpy()
  terms = [penalties.r2(weight=3.0)]
  weights = dict(d_real=1.0, d_fake=0.0, g_fake=0.1)
  d, of_d, g, _ = play(acgan(prior, pair=pairs.wasserstein(), penalties=terms, **weights))
  slope = np.sum((((1 - np.tanh(fake @ U) ** 2) * V) @ U.T) ** 2, axis=1).mean() / 2
  np.testing.assert_allclose(of_d['r2'], slope, rtol=1e-5)
  np.testing.assert_allclose(d, f.mean() - r.mean() + c_real + 3 * slope, rtol=1e-5)
  np.testing.assert_allclose(g, -f.mean() + 0.1 * c_fake, rtol=1e-5)


def test_d_is_told_no_class_and_g_is():
  seen = []
  G = lambda z, *told, key: (seen.append(told), jnp.tile(z, (1, 2)))[1]
  judge = bound().D
  D = lambda x, *told, key: (seen.append(told), judge(x))[1]
  play(acgan(prior, pair=pairs.hinge()), bound(G=G, D=D))
  assert [len(told) for told in seen] == [1, 0, 0] * 2
  np.testing.assert_array_equal(seen[0][0], Y)


@pytest.mark.parametrize('mover', ['D', 'G'])
def test_a_move_changes_what_its_player_owns(mover):
  players = {n: Player((n,), optax.sgd(0.1)) for n in 'DG'}
  game = Game(nets(), players, acgan(prior, pair=pairs.nonsaturating()), {})
  before = steps.init(game, KEY)
  batches = {name: column[None] for name, column in BATCH.items()}
  after, log = steps.alternating(game, (mover,))(before, batches, KEY)
  assert int(after.carry) == 1
  assert f'{mover}/loss' in log
  for name in 'DG':
    same = jax.tree.map(np.array_equal, before.params[name], after.params[name])
    assert all(jax.tree.leaves(same)) == (name != mover)
    assert not any(jax.tree.leaves(same)) or name != mover


def test_a_critic_without_the_head_is_refused_by_name():
  D = lambda x, key: {'logit': x[:, 0], 'features': x}
  for critic in (D, lambda x, key: x[:, 0]):
    with pytest.raises(InputError, match=r"'classes'.*heads=dict\(classes=\.\.\.\)"):
      play(acgan(prior, pair=pairs.hinge()), bound(D=critic))


def test_a_config_names_it_with_its_weights():
  spec = dict(name='acgan', pair='hinge', d_fake=0.0, g_fake=0.1)
  objective = config.build(spec, 'objectives', prior=prior)
  same = acgan(prior, pair=pairs.hinge(), d_fake=0.0, g_fake=0.1)
  assert play(objective)[0] == play(same)[0]
  assert play(objective)[2] == play(same)[2]
