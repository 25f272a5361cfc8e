"""Figures of theory: what is drawn is what was computed, and what cannot be had is said.

Covers: figures/dynamics.py, figures/field.py, figures/gradients.py, figures/line.py.
"""

import json
import types

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax import canvas, jacobian, log, pairs, runs, train
from gan_jax.data import line as sources
from gan_jax.figures import dynamics, field, gradients, line
from tests.configs import tiny
from tests.messages import refused, says

KEY = jax.random.key(0)
F = np.linspace(-4, 4, 9)


def sigma(v):
  return 1 / (1 + np.exp(-v))


def written(folder, entries):
  folder.mkdir(exist_ok=True)
  (folder / log.FILE).write_text(''.join(json.dumps(e) + '\n' for e in entries))
  return folder


@pytest.mark.parametrize(
  ('pair', 'cost', 'slope'),
  [
    (pairs.minimax(), np.log(1 - sigma(F)), -sigma(F)),
    (pairs.nonsaturating(), -np.log(sigma(F)), sigma(F) - 1),
    (pairs.fgan('kl'), -np.exp(F - 1), -np.exp(F - 1)),
    (pairs.least_squares(), (F - 1) ** 2 / 2, F - 1),
    (pairs.wasserstein(), -F, -np.ones(9)),
    (pairs.relativistic(), np.log(1 + np.exp(0.5 - F)), -sigma(0.5 - F)),
  ],
)
def test_cost_and_slope_of_g_are_the_papers(pair, cost, slope):
  found = gradients.cost_and_slope(pair, F, real=0.5)
  np.testing.assert_allclose(found[0], cost, rtol=1e-4, atol=1e-6)
  np.testing.assert_allclose(found[1], slope, rtol=1e-4, atol=1e-6)


def test_gradients_needs_no_run_and_is_written_by_its_command(tmp_path):
  pictures = [
    gradients.gradients(None, None, KEY)['gradients'],
    gradients.gradients(None, None, KEY, pairs=('hinge', dict(name='fgan', divergence='pearson'))),
  ]
  assert pictures[0].dtype == np.uint8
  assert pictures[0].std() > 5
  gradients.write(['minimax', 'least_squares(a=-1, c=0)'], tmp_path / 'a' / 'g.png')
  with Image.open(tmp_path / 'a' / 'g.png') as picture:
    assert picture.width > picture.height
  assert gradients.spec('fgan(divergence=kl)') == dict(name='fgan', divergence='kl')
  for word in ('minimax(', 'fgan(*x)', 'a(b=1+x)'):
    with refused(word, 'least_squares(a=-1, c=0)'):
      gradients.spec(word)
  with refused('pairs='):
    gradients.gradients(None, None, KEY, pairs=())


def on_the_line(width=1, critic=lambda x: x[:, 0]):
  fill = lambda key, n: (jax.random.uniform(key, (n, width)),)
  G = lambda z: 2 * np.asarray(z)[:, :1] - 1
  return types.SimpleNamespace(
    prior=lambda key, n: fill(key, n)[0],
    fill=fill,
    generate=G,
    function=lambda net: G,
    draw=lambda key, n: G(*fill(key, n)),
    critic=critic,
    see=lambda x: x,
    facts={},
    round=7,
  )


def gaussian(split='train'):
  return sources.gaussian(split, n=50)


def test_mapped_goes_from_evenly_spaced_z_to_g_of_z():
  z, x = line._mapped(on_the_line(), KEY, 10)
  np.testing.assert_allclose(z, (np.arange(10) + 0.5) / 10, atol=0.03)
  np.testing.assert_allclose(x, 2 * z - 1, rtol=1e-6)


def test_line_is_drawn_of_a_run_on_the_line_alone():
  picture = line.line(on_the_line(), gaussian, KEY, n=500)['line']
  assert picture.dtype == np.uint8
  assert picture.std() > 5
  for sampler, facts in ((on_the_line(critic=None), ('D ',)), (on_the_line(2), ('dim=1', 2))):
    with refused(*facts):
      line.line(sampler, gaussian, KEY, n=500)
  with refused('dirac'):
    line.line(on_the_line(), lambda: sources.dirac(n=5), KEY, n=500)


def test_course_of_v_is_of_the_log_and_alive_has_it_beside_frames(tmp_path):
  assert line.course(written(tmp_path / 'none', [{'step': 1, 'D/loss': 1.0}])) == []
  assert line.alive(tmp_path / 'none') == []
  numbers = {'value': -1.2, 'value/best': -1.1, 'value/bound': -1.1, 'value/jsd': 0.1}
  folder = written(tmp_path / 'run', [{'step': i, **numbers} for i in (0, 5, 9)])
  found = line._logged(folder)
  np.testing.assert_array_equal(found['round'], [0, 5, 9])
  np.testing.assert_array_equal(found['best'], [-1.1] * 3)
  assert line.course(folder) == [folder / 'value.png']
  for i, level in ((0, 10), (5, 60), (9, 110)):
    frame = np.full((40, 30, 3), level, np.uint8)
    log.save_png(folder / 'samples' / f'line_{i:08d}.png', frame)
  assert line.alive(folder) == [folder / 'alive.gif']
  with Image.open(folder / 'alive.gif') as gif:
    assert gif.n_frames == 3
    assert gif.width > 300


def test_dynamics_have_the_equilibrium_of_the_runs_own_pair(tmp_path, monkeypatch):
  levels, shown = [], []
  monkeypatch.setattr(
    dynamics, '_level', lambda axes, low, high, colour: levels.append((low, high))
  )
  original = dynamics._verdicts
  monkeypatch.setattr(
    dynamics, '_verdicts', lambda *given: (shown.append(given[3]), original(*given))
  )
  entries = [{'step': i, 'D/real': 0.1, 'D/fake': -0.1, 'D/loss': 1.4, 'G/loss': 0.7}
             for i in (1, 2)]  # fmt: skip
  folder = written(tmp_path / 'run', entries)
  configured = lambda **objective: monkeypatch.setattr(
    runs, 'config', lambda workdir: {'objective': objective}
  )
  log2 = np.log(2)
  configured(name='gan', pair='nonsaturating', d_weight=0.5)
  assert dynamics.dynamics(folder) == [folder / 'dynamics.png']
  np.testing.assert_allclose(levels, [(0.5, 0.5), (log2, log2), (log2, log2)], rtol=1e-5)
  assert shown == [True]
  # From here on it is asked what is drawn, not for the picture.
  monkeypatch.setattr(canvas, 'pixels', lambda figure: np.zeros((4, 4, 3), np.uint8))
  levels.clear()
  configured(name='gan', pair=dict(name='least_squares', a=-1, b=1, c=0))
  dynamics.dynamics(folder)
  np.testing.assert_allclose(levels, [(0, 0), (1, 1), (0, 0)], atol=1e-6)
  levels.clear()
  configured(name='wrapped', base=dict(name='acgan', pair='hinge'))  # players pay more than a pair
  dynamics.dynamics(folder)
  np.testing.assert_allclose(levels, [(-1, 1), (np.nan, np.nan), (np.nan, np.nan)], atol=1e-6)
  assert shown == [True, False, False]
  configured(name='my_lab.objective')
  dynamics.dynamics(folder)
  with refused(tmp_path / 'none', 'D/real', 'D/fake'):
    dynamics.dynamics(written(tmp_path / 'none', [{'step': 1, 'E/loss': 1.0}]))


def dirac(theta, psi, bias=0.0):
  return types.SimpleNamespace(
    draw=lambda key, n: np.full((n, 1), theta, np.float32),
    critic=lambda x: psi * x[:, 0] + bias,
    round=3,
  )


def test_position_of_a_dirac_gan_is_read_and_of_no_other_game():
  assert field.position(dirac(0.5, -2.0), gaussian, KEY) == {'theta': 0.5, 'psi': -2.0}
  assert field.dirac(dirac(0.5, -2.0), gaussian, KEY)['dirac'].std() > 5
  for other in (dirac(0.5, -2.0, bias=0.1), on_the_line()):
    with refused('Dirac-GAN', 'experiments/dirac.py'):
      field.position(other, gaussian, KEY)


def test_portrait_has_the_path_that_the_run_went(tmp_path):
  config = tiny('dirac', 'penalty=r1')
  config['evals'] = {name: config['evals'][name] for name in ['position']}
  config['finish'] = [name for name in config['finish'] if name.endswith('portrait')]
  train.run(config, tmp_path)
  path = field._logged_path(tmp_path)
  sampler = runs.sampler(tmp_path)
  np.testing.assert_allclose(path[0], (1, 1))
  np.testing.assert_allclose(path[-1], [*field.position(sampler, gaussian, KEY).values()])
  assert field._told(runs.config(tmp_path)) == 'minimax, r1(1), alternating'
  assert (tmp_path / 'portrait.png').exists(), 'it is among what a run ends with'
  assert field.spectrum(tmp_path) == [tmp_path / 'spectrum.png']
  found = field._local(tmp_path)
  values = jacobian.eigenvalues(jacobian.jacobian(found.field, np.zeros(2, np.float32)))
  np.testing.assert_allclose(values, [-0.5, -0.5], atol=1e-3)  # a double root


def test_half_plane_tells_of_eigenvalues_off_the_picture():
  axes = canvas.blank(3, 3).subplots()
  field.half_plane(axes, np.array([-0.5 + 1j, -0.5 - 1j, 2e7]))
  (text,) = axes.texts
  says(text.get_text(), '1 ', '2e+07')
  assert axes.get_xlim()[1] == pytest.approx(1.25 * np.hypot(0.5, 1))
