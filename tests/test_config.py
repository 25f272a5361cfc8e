"""From a config to objects: names, arguments, what is refused, and tiny forms."""

import importlib
import json
import re
import sys
import textwrap

import jax.numpy as jnp
import ml_collections
import numpy as np
import optax
import pytest

from gan_jax import config, pairs, penalties
from gan_jax.game import Objective
from gan_jax.objectives import gan, wrappers
from tests.messages import refused


@pytest.fixture
def lab(tmp_path, monkeypatch):
  """A package outside this one: my_lab.my_gan, and whatever the test writes into it."""
  package = tmp_path / 'my_lab'
  package.mkdir()
  (package / '__init__.py').touch()
  monkeypatch.syspath_prepend(tmp_path)

  def write(module, text):
    (package / f'{module}.py').write_text(textwrap.dedent(text))
    importlib.invalidate_caches()  # a folder that was read at the same tick of the clock

  yield write
  for name in [n for n in sys.modules if n.split('.')[0] == 'my_lab']:
    del sys.modules[name]


# --- resolve -------------------------------------------------------------------------------------


def test_resolve_looks_in_the_room_and_in_the_module_of_that_name():
  assert config.resolve('hinge', 'pairs') is pairs.hinge
  assert config.resolve('gan', 'objectives') is gan.gan
  assert config.resolve('gan.conditional', 'objectives') is gan.conditional
  assert config.resolve('instance_noise', 'objectives.wrappers') is wrappers.instance_noise


def test_resolve_goes_on_in_optax():
  assert config.resolve('adam', 'optim') is optax.adam
  assert config.resolve('linear_schedule', 'objectives.wrappers') is optax.linear_schedule


def test_build_takes_a_function_of_ones_own_by_its_path(lab):
  lab('my_gan', 'def loss(weight=1.0):\n  return ("mine", weight)')
  assert config.build('my_lab.my_gan.loss', 'pairs') == ('mine', 1.0)
  assert config.build(dict(name='my_lab.my_gan.loss', weight=3.0), 'objectives') == ('mine', 3.0)
  with refused('my_lab.my_gan.loss', "'wait'"):
    config.build(dict(name='my_lab.my_gan.loss', wait=3.0), 'objectives')


def test_resolve_refuses_paths_of_what_cannot_be_called(lab):
  lab('my_gan', 'x = 3')
  for name in ('my_lab.my_gan', 'my_lab.my_gan.x', 'my_lab.none.x', 'no_lab.x'):
    with refused(repr(name), 'pairs'):
      config.resolve(name, 'pairs')


def test_resolve_lets_an_error_inside_ones_own_module_through(lab):
  lab('broken', '1 / 0')
  with pytest.raises(ZeroDivisionError):
    config.resolve('my_lab.broken.loss', 'pairs')
  lab('lacking', 'import some_library_that_is_not_there')
  with pytest.raises(ModuleNotFoundError, match='some_library_that_is_not_there'):
    config.resolve('my_lab.lacking.loss', 'pairs')


# Mended: `missing.startswith(name)` takes a module that the user's own module failed to import for
# the user's module being absent, and the cause is lost.
def test_resolve_lets_a_missing_import_of_a_like_name_through(lab):
  lab('lpips', 'import my_lab.lpips_weights')
  with pytest.raises(ModuleNotFoundError, match='lpips_weights'):
    config.resolve('my_lab.lpips.loss', 'pairs')


@pytest.mark.parametrize(
  ('name', 'room', 'near'),
  [
    ('hinj', 'pairs', 'hinge'),
    ('nonsaturate', 'pairs', 'nonsaturating'),
    ('wgangp', 'penalties', 'wgan_gp'),
    ('unifrom', 'priors', 'uniform'),
    ('dcgan.Generater', 'nets', 'dcgan.Generator'),
    ('heavyball', 'optim', 'heavy_ball'),
    # Mended: the annexe's names are found but never suggested.
    ('addam', 'optim', 'adam'),
    ('rmspropp', 'optim', 'rmsprop'),
  ],
)
def test_resolve_refuses_a_misspelt_name_with_the_nearest(name, room, near):
  with refused(repr(name)) as caught:
    config.resolve(name, room)
  assert re.search(rf'\b{re.escape(near)}\b', str(caught.value).replace(repr(name), ''))


# Mended: what a module imports counts as the room's own: pair='softplus' is jax.nn.softplus.
def test_resolve_does_not_take_what_a_module_only_imports():
  with refused("'softplus'"):
    config.resolve('softplus', 'pairs')


# --- build ---------------------------------------------------------------------------------------


def test_build_of_a_name_alone_is_the_function_with_its_defaults():
  pair = config.build('least_squares', 'pairs')
  assert pair.g(jnp.zeros(2), jnp.full(2, 3.0)) == 2


@pytest.mark.parametrize(
  ('spec', 'room', 'facts'),
  [
    (dict(name='least_squares', d=1), 'pairs', ('pairs.least_squares', "'d'")),
    (dict(name='nonsaturating', smoth=1), 'pairs', ("'smoth'", "'smooth'")),
    (dict(name='adam', lerning_rate=1), 'optim', ("'lerning_rate'", "'learning_rate'")),
    (dict(name='adam'), 'optim', ('optim.adam', 'learning_rate')),
    (dict(name='heavy_ball'), 'optim', ('heavy_ball', 'learning_rate', 'momentum')),
    (dict(smooth=1), 'pairs', ('pairs', 'name=', 'smooth')),
  ],
)
def test_build_refuses_wrong_missing_and_nameless_arguments(spec, room, facts):
  with refused(*facts):
    config.build(spec, room)


def test_build_passes_on_what_is_built_already():
  pair = pairs.hinge()
  assert config.build(pair, 'pairs') is pair
  objective = config.build(
    dict(name='gan', prior='normal', pair=pair, penalties=(penalties.r1(weight=2.0),)), 'objectives'
  )
  assert isinstance(objective, Objective)


def test_build_leaves_named_tuples_in_a_list():
  term = penalties.r1(weight=2.0)
  seen = config.build(dict(name='chain', links=(optax.sgd(0.1), optax.scale(2.0))), 'optim')
  updates, _ = seen.update(jnp.ones(2), seen.init(jnp.ones(2)), jnp.ones(2))
  np.testing.assert_allclose(updates, -0.2, rtol=1e-6)
  assert config._value('penalties', [term], 'objectives')[0] is term


def test_build_goes_into_descriptions_each_in_its_room():
  tx = config.build(
    dict(
      name='chain',
      links=[
        dict(name='add_decayed_weights', weight_decay=0.5),
        dict(
          name='sgd',
          learning_rate=dict(
            name='linear_schedule', init_value=1.0, end_value=0.0, transition_steps=4
          ),
        ),
        dict(name='clip_weights', limit=0.25),
      ],
    ),
    'optim',
  )
  params, state = jnp.float32([0.2, 1.0]), tx.init(jnp.zeros(2))
  for expected in ([0.1, 0.25], [0.1 - 0.75 * 0.05, 0.25 - 0.75 * 0.125]):
    updates, state = tx.update(jnp.zeros(2), state, params)
    params = optax.apply_updates(params, updates)
    np.testing.assert_allclose(params, expected, rtol=1e-6)


def test_build_makes_an_objective_with_pair_penalties_and_wrapper():
  base = config.build(
    dict(
      name='gan', pair='hinge', penalties=[dict(name='r1', weight=3.0), 'drift'], flips=0.1
    ),
    'objectives',
    prior=lambda key, n: jnp.zeros((n, 2)),
  )  # fmt: skip
  assert set(base.losses) == {'D', 'G'}
  sigma = dict(name='linear_schedule', init_value=0.1, end_value=0.0, transition_steps=10)
  noisy = config.build(dict(name='instance_noise', base=base, sigma=sigma), 'objectives.wrappers')
  assert set(noisy.losses) == {'D', 'G'}


# Mended: a ConfigDict is no Mapping, so it comes back unbuilt, without a word.
def test_build_takes_a_config_dict_for_a_description():
  spec = ml_collections.ConfigDict(dict(name='adam', learning_rate=0.1))
  assert isinstance(config.build(spec, 'optim'), optax.GradientTransformation)


def test_build_gives_what_the_program_offers_where_it_is_needed(lab):
  lab('part', 'def part(shape, width=3):\n  return shape, width')
  build = lambda **spec: config.build(
    dict(name='my_lab.part.part', **spec), 'nets', shape=(8, 8, 1), width=99, other=0
  )
  assert build() == ((8, 8, 1), 3)  # a default of the function's own stays
  assert build(shape=(1,), width=5) == ((1,), 5)  # the config has the last word


def test_build_makes_what_is_costly_only_if_it_is_taken(lab):
  lab('part', 'def takes(mean):\n  return mean\ndef leaves(x=1):\n  return x')
  made = []
  later = config.Later(lambda: made.append(1) or 'the mean')
  assert config.build('my_lab.part.leaves', 'nets', mean=later) == 1
  assert config.build(dict(name='my_lab.part.takes', mean='given'), 'nets', mean=later) == 'given'
  assert not made
  assert config.build('my_lab.part.takes', 'nets', mean=later) == 'the mean'
  assert made == [1]


# --- arguments, plain configs, tiny --------------------------------------------------------------


def test_parse_arg_types_the_argument_by_the_defaults():
  read = lambda arg: config.parse_arg(arg, tiny=False, size=64, rate=0.1, pair='hinge').to_dict()
  assert read('') == read(None) == dict(tiny=False, size=64, rate=0.1, pair='hinge')
  assert read('tiny,size=32') == dict(tiny=True, size=32, rate=0.1, pair='hinge')
  assert read('tiny=false,rate=2,pair=wasserstein') == dict(
    tiny=False, size=64, rate=2.0, pair='wasserstein'
  )
  assert isinstance(read('rate=2')['rate'], float)


@pytest.mark.parametrize(
  ('arg', 'facts'),
  [
    ('tinny', ('tiny', 'size', "'tinny'")),
    ('size=big', ('size', 'int', "'big'")),
    ('size', ('size', 'int', "''")),
    ('tiny=maybe', ('tiny', 'true', 'false', "'maybe'")),
  ],
)
def test_parse_arg_refuses_a_wrong_argument(arg, facts):
  with refused(*facts):
    config.parse_arg(arg, tiny=False, size=64)


def test_plain_is_what_json_gives_back():
  given = ml_collections.ConfigDict(
    dict(a=(1, (2.5, 'x')), b=dict(c=None, d=True), e=np.float32(0.5), f=np.int64(3))
  )
  plain = config.plain(given)
  assert plain == {'a': [1, [2.5, 'x']], 'b': {'c': None, 'd': True}, 'e': 0.5, 'f': 3}
  assert json.loads(json.dumps(plain)) == plain


def test_differences_are_told_by_dotted_key():
  old = dict(a=1, b=dict(c=[1, 2], d=dict(e='x')), gone=0)
  new = dict(a=1, b=dict(c=[1, 3], d=dict(e='y')), come=5)
  assert config.differences(old, new) == {
    'b.c': ([1, 2], [1, 3]),
    'b.d.e': ('x', 'y'),
    'gone': (0, '(absent)'),
    'come': ('(absent)', 5),
  }
  assert config.differences(old, old) == {}
  assert config.differences(dict(a=dict(b=1)), dict(a=3)) == {'a': (dict(b=1), 3)}


def test_tiny_cuts_a_config_down_and_leaves_the_original():
  config_ = dict(
    rounds=10_000, batch=64, objective=dict(name='gan', pair='hinge'),
    nets=dict(G=dict(name='g', width=64)), evals=dict(grid=dict(name='grid', every=1000, n=3)),
  )  # fmt: skip
  small = config.tiny(config_, nets__G__width=4)
  assert small['rounds'] == 4
  assert small['batch'] == 8
  assert small['nets']['G'] == dict(name='g', width=4)
  assert small['objective'] == config_['objective']
  assert small['evals'] == dict(grid=dict(name='grid', every=4, n=3))
  assert config_['rounds'] == 10_000
  assert config_['nets']['G']['width'] == 64
  assert config_['evals']['grid']['every'] == 1000
