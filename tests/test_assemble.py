"""From a config to its parts: what is read, what is refused, and by which word."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import assemble
from gan_jax import step as steps
from gan_jax.data import transforms
from gan_jax.data.source import in_memory
from tests.configs import perceptrons, small
from tests.messages import refused

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (1003, 2, 3, 1)).astype(np.uint8)
LABEL = (np.arange(1003) % 3).astype(np.int32)
SEEN = transforms.chain([transforms.scale()])
BARE = perceptrons()
KNOWN = assemble.Facts(
  (8, 8, 1), {'image': ((8, 8, 1), 'float32'), 'label': ((), 'int32')}, 10, (-1.0, 1.0), {}
)


def game(**changes):
  return assemble.game(assemble.complete({**BARE, **changes}), KNOWN, lambda: np.zeros((8, 8, 1)))


def nets(**changes):
  """The networks of the config with these said of one of them or the other."""
  return {name: {**spec, **changes.get(name, {})} for name, spec in BARE['nets'].items()}


def test_complete_fills_defaults_in_and_keeps_what_is_said():
  found = assemble.complete({**BARE, 'seed': 3})
  assert (found['seed'], found['batch']) == (3, 8)
  assert found['precision'] == 'float32'
  assert assemble.complete(found) == found


def test_complete_refuses_a_key_too_many_and_one_that_lacks():
  with refused("'roundz'", "'rounds'"):
    assemble.complete({**BARE, 'roundz': 3})
  with refused('nets', 'play'):
    assemble.complete({k: v for k, v in BARE.items() if k not in ('nets', 'play')})


def test_facts_are_of_what_the_networks_see():
  source = in_memory({'image': IMAGE, 'label': LABEL}, name='made')
  known = assemble.facts(source, SEEN)
  assert known.shape == (2, 3, 1)
  assert known.columns == {'image': ((2, 3, 1), 'float32'), 'label': ((), 'int32')}
  assert (known.classes, known.range, known.meta['name']) == (3, (-1, 1), 'made')
  assert assemble.facts(in_memory({'image': IMAGE}), SEEN).classes == 0
  named = in_memory({'image': IMAGE, 'label': LABEL}, classes=['a', 'b', 'c', 'never seen'])
  assert assemble.facts(named, SEEN).classes == 4


def test_pixel_mean_is_of_all_parts_of_the_data():
  found = assemble.pixel_mean(in_memory({'image': IMAGE}), SEEN)
  np.testing.assert_allclose(found, IMAGE.mean(0) / 127.5 - 1, atol=1e-5)
  first = assemble.pixel_mean(in_memory({'image': IMAGE}), SEEN, most=3)
  np.testing.assert_allclose(first, IMAGE[:3].mean(0) / 127.5 - 1, atol=1e-5)


def test_shown_are_rows_spread_evenly_as_the_networks_see_them():
  shown = assemble.shown(in_memory({'image': IMAGE, 'label': LABEL}), SEEN, 3)
  np.testing.assert_array_equal(shown['label'], LABEL[[0, 501, 1002]])
  np.testing.assert_allclose(shown['image'], IMAGE[[0, 501, 1002]] / 127.5 - 1, atol=1e-6)


def test_game_has_the_networks_and_the_players_of_the_config():
  made = game(ema=dict(G=0.9))
  assert list(made.nets) == list(made.players) == ['D', 'G']
  assert {name: one.owns for name, one in made.players.items()} == {'D': ('D',), 'G': ('G',)}
  state = jax.eval_shape(lambda key: steps.init(made, key), jax.random.key(0))
  assert state.params['D']['Dense_0']['kernel'].shape == (64, 8)
  assert list(state.ema) == ['G']


@pytest.mark.parametrize(
  ('changes', 'facts'),
  [
    (dict(nets=nets(D=dict(inputs=None))), ('nets.D', 'inputs=', 'image, label, z')),
    (dict(nets=nets(D=dict(inputs=('text',)))), ('nets.D', 'text')),
    (dict(nets=nets(D=dict(hiden=(8,)))), ("'hiden'", "'hidden'")),
    (dict(nets=nets(G=dict(output='sigmoid'))), ('nets.G', 'sigmoid', (0.0, 1.0), (-1.0, 1.0))),
    (dict(players=dict(D=dict(own=('D',), tx='sgd'))), ('players.D', "'own'", "'owns'")),
  ],
)
def test_game_refuses_what_does_not_fit_together(changes, facts):
  with refused(*facts):
    game(**changes)


def test_game_refuses_a_penalty_of_slopes_on_batch_norm():
  """However deep in the objective the penalty is asked for."""
  objective = dict(name='gan', pair='hinge', penalties=['r1'])
  deep = dict(name='instance_noise', base=objective)
  found = [one for spec in (objective, deep) for one in assemble.penalties_in(spec)]
  assert found == ['r1', 'r1']
  D = dict(name='dcgan.Discriminator', inputs=('image',), width=2, stages=2, norm='batch')
  with refused('r1', 'D', "norm='layer'"):
    game(objective=objective, nets={**BARE['nets'], 'D': D})


def test_play_is_named_with_its_options_or_alone():
  assert assemble.play(BARE) == (steps.simultaneous, {})
  spec = dict(name='alternating', schedule=['D', ['D', 'G']])
  assert assemble.play(dict(play=spec)) == (steps.alternating, {'schedule': ('D', ('D', 'G'))})
  with refused("'shedule'", "'schedule'"):
    assemble.play(dict(play=dict(name='alternating', shedule=['D'])))


def test_examples_are_what_g_takes_besides_z_and_label():
  config = dict(nets=dict(G=dict(inputs=('z', 'label', 'source'))))
  columns = {'image': IMAGE, 'source': IMAGE, 'label': LABEL}
  found = assemble.examples(config, in_memory(columns), n=5)
  assert list(found) == ['source']
  np.testing.assert_array_equal(found['source'], IMAGE[:5])
  assert assemble.examples(BARE, in_memory(columns)) == {}


def test_open_source_is_of_the_split_and_the_arguments_asked_for():
  config = small()
  whole, test = assemble.open_source(config), assemble.open_source(config, 'test')
  assert (len(whole), len(test)) == (1500, 297)
  points = assemble.open_source(dict(data=dict(name='mixture.ring', n=64)), n=8)
  assert points.arrays['image'].shape == (8, 2)


def test_sampler_scores_by_d_only_if_it_judges_one_image_alone():
  config = assemble.complete(BARE)
  state = jax.jit(lambda key: steps.init(game(), key))(jax.random.key(0))
  for D, scores in ((dict(inputs=('image',)), True), (dict(inputs=('image', 'z')), False)):
    told = {**config, 'nets': nets(D=D)}
    sampler = assemble.sampler(told, game(), KNOWN, {})(state)
    assert (sampler.critic is not None) == scores
  assert sampler.shape == (8, 8, 1)
  assert sampler.generate(jnp.zeros((3, 4))).shape == (3, 8, 8, 1)
