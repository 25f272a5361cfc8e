"""Batches as pure functions of (seed, round), the same from both feeds.

Covers: data/source.py.
"""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import parallel
from gan_jax.data import loader, transforms
from gan_jax.data.loader import Plan
from gan_jax.data.source import Source, in_memory
from gan_jax.data.transforms import Transform
from tests.messages import refused


def source(n=37):
  images = np.arange(n, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 1), np.uint8)
  return in_memory({'image': images, 'label': np.arange(n, dtype=np.int32)}, name='toy')


KEY = jax.random.key(0)
HERE = jax.sharding.SingleDeviceSharding(jax.devices()[0])
PLAN = Plan(seed=4, batch=8, k=3, rounds=2)


def played(feed, plan, rounds, start=0):
  """The minibatches of each of `rounds` rounds, as the loop asks for them."""
  get = jax.jit(feed.batches)
  out = []
  for first in range(start, start + rounds, plan.rounds):
    inputs = feed.inputs(first)
    for i in range(plan.rounds):
      out.append(jax.device_get(get(inputs, jnp.int32(i), jnp.int32(first + i))))
  feed.close()
  return out


@functools.lru_cache
def both(plan, rounds, start=0, n=37):
  """What both feeds give, made once for all who only look at it."""
  return [
    played(make(source(n), plan, HERE), plan, rounds, start)
    for make in (loader.resident, loader.streamed)
  ]


def equal(a, b):
  assert len(a) == len(b)
  for x, y in zip(a, b, strict=True):
    jax.tree.map(np.testing.assert_array_equal, x, y)


@pytest.mark.parametrize('n', [1, 5, 37, 200])
def test_resident_and_streamed_give_the_same_batches(n):
  resident, streamed = both(PLAN, 8, n=n)
  equal(resident, streamed)
  assert resident[0]['image'].shape == (3, 8, 2, 3, 1)
  assert resident[0]['image'].dtype == np.uint8
  assert resident[0]['label'].shape == (3, 8)


def test_batches_keep_columns_together():
  for batches in both(PLAN, 4):
    for each in batches:
      np.testing.assert_array_equal(each['image'][..., 0, 0, 0], each['label'])


def test_batches_of_an_epoch_show_every_example_once():
  for batches in both(PLAN, 8):
    shown = np.concatenate([b['label'].ravel() for b in batches])
    for e in range(len(shown) // 37):
      np.testing.assert_array_equal(np.sort(shown[e * 37 : (e + 1) * 37]), np.arange(37))


def test_batches_of_a_round_follow_one_another_in_the_epoch():
  long, _ = both(Plan(4, 24, 1, 2), 4)
  for split, whole in zip(both(PLAN, 4)[0], long, strict=True):
    np.testing.assert_array_equal(split['label'].ravel(), whole['label'].ravel())


def test_batches_of_a_later_start_are_what_they_would_have_been():
  for whole, part in zip(both(PLAN, 8), both(PLAN, 4, start=4), strict=True):
    equal(whole[4:], part)


def test_batches_do_not_depend_on_how_many_rounds_make_a_call():
  for one, four in zip(
    both(PLAN._replace(rounds=1), 8), both(PLAN._replace(rounds=4), 8), strict=True
  ):
    equal(one, four)


def test_batches_of_a_seed_are_the_same_and_of_another_others():
  first, again = both(PLAN, 4)[0], both.__wrapped__(PLAN, 4)[0]
  equal(first, again)
  other = both(PLAN._replace(seed=5), 4)[0]
  assert not all(np.array_equal(a['label'], b['label']) for a, b in zip(first, other, strict=True))


def test_inputs_may_be_asked_for_in_any_order():
  """A feed has no memory that shows: look-ahead is only for speed."""
  feed = loader.streamed(source(), PLAN, HERE)
  there = {first: jax.device_get(feed.inputs(first)) for first in (6, 0, 2, 2, 4, 0)}
  feed.close()
  straight = loader.streamed(source(), PLAN, HERE)
  for first in (0, 2, 4, 6):
    jax.tree.map(
      np.testing.assert_array_equal, there[first], jax.device_get(straight.inputs(first))
    )
  straight.close()


def test_inputs_raise_what_went_wrong_while_reading_ahead():
  class Broken:
    nbytes, shape, dtype = 0, (37, 1, 1, 1), np.dtype(np.uint8)

    def __len__(self):
      return 37

    def __getitem__(self, rows):
      raise OSError('the disk is gone')

  feed = loader.streamed(Source({'image': Broken()}, {}), PLAN, HERE)
  with refused('the disk is gone', error=OSError):
    feed.inputs(0)
  feed.close()


def test_check_refuses_more_examples_than_can_be_counted():
  plan = Plan(0, 2**10, 2**2, 1)  # 2^12 per round
  loader.check(source(), plan, 2**20 - 1)
  with refused('1048576', '4 x 1024'):
    loader.check(source(), plan, 2**20)


def test_check_refuses_an_empty_source_by_name():
  empty = Source({'image': np.zeros((0, 2, 2, 1), np.uint8)}, {'name': 'nothing'})
  with refused('nothing', 'no examples'):
    loader.check(empty, PLAN, 10)


def test_batches_of_the_last_rounds_that_can_be_counted():
  plan = Plan(0, 2**10, 2**2, 2)
  last = 2**20 - 2
  resident, streamed = both(plan, 2, start=last)
  equal(resident, streamed)


def test_streamed_lies_split_over_the_devices_and_resident_on_all():
  mesh = parallel.mesh(8, 4)
  streamed = loader.streamed(source(), PLAN, parallel.split(mesh, axis=2))
  inputs = streamed.inputs(0)
  assert inputs['image'].shape == (2, 3, 8, 2, 3, 1)
  assert inputs['image'].addressable_shards[0].data.shape == (2, 3, 2, 2, 3, 1)
  assert len(inputs['image'].sharding.device_set) == 4
  resident = loader.resident(source(), PLAN, parallel.replicated(mesh))
  assert resident.inputs(0)['image'].sharding.is_fully_replicated
  a = jax.device_get(jax.jit(streamed.batches)(inputs, 1, jnp.int32(1)))
  b = jax.device_get(jax.jit(resident.batches)(resident.inputs(0), 1, jnp.int32(1)))
  jax.tree.map(np.testing.assert_array_equal, a, b)
  streamed.close()


def test_seen_takes_a_key_for_each_minibatch_and_leaves_labels_alone():
  noisy = Transform(lambda x, key: x + jax.random.uniform(key, x.shape))
  batches = {'image': np.zeros((3, 4, 2, 2, 1), 'f4'), 'label': np.arange(12).reshape(3, 4)}
  see = jax.jit(functools.partial(loader.seen, noisy))
  seen = see(batches, KEY)
  assert len(np.unique(seen['image'])) == 3 * 4 * 4
  np.testing.assert_array_equal(seen['label'], batches['label'])
  again = see(batches, KEY)
  np.testing.assert_array_equal(seen['image'], again['image'])


def test_batches_of_a_member_are_those_of_its_seed_alone():
  seeds = (4, 2**32 + 7, -1)
  shared = loader.resident(source(), PLAN, HERE)
  gathered = loader.streamed(source(), PLAN, HERE, seeds)
  assert shared.shared
  assert not gathered.shared
  words = jnp.array([s & 0xFFFFFFFF for s in seeds], jnp.uint32)
  draw = jax.jit(jax.vmap(shared.batches, in_axes=(None, None, None, 0)))
  draw_gathered = jax.jit(jax.vmap(gathered.batches, in_axes=(0, None, None, 0)))
  alone = [played(loader.resident(source(), PLAN._replace(seed=s), HERE), PLAN, 4) for s in seeds]
  for round_ in range(4):
    first, i = round_ - round_ % 2, jnp.int32(round_ % 2)
    a = draw(shared.inputs(first), i, jnp.int32(round_), words)
    b = draw_gathered(gathered.inputs(first), i, jnp.int32(round_), words)
    for m, own in enumerate(alone):
      for found in (a, b):
        jax.tree.map(lambda x, y, m=m: np.testing.assert_array_equal(x[m], y), found, own[round_])
  gathered.close()


def test_seen_moves_all_pictures_alike_and_leaves_other_columns():
  rng = np.random.default_rng(0)
  image = rng.integers(0, 256, (2, 16, 4, 6, 1), np.uint8)
  columns = {'image': image, 'source': 255 - image, 'text': rng.random((2, 16, 3), np.float32)}
  moved = transforms.chain([transforms.flip(), transforms.scale()])
  seen = jax.jit(functools.partial(loader.seen, moved))(columns, KEY)
  np.testing.assert_allclose(seen['image'], -seen['source'], atol=1e-6)
  off = np.abs(np.asarray(seen['image']) - (image / 127.5 - 1))
  mirrored = np.max(off, axis=(2, 3, 4)) > 1e-3
  assert 0 < mirrored.sum() < 32
  np.testing.assert_array_equal(seen['text'], columns['text'])


def test_in_memory_refuses_a_column_called_z():
  with refused("'z'", 'noise'):
    in_memory({'image': np.zeros((2, 4, 4, 1), np.uint8), 'z': np.zeros((2, 3))}, name='toy')


# --- a set in parts -------------------------------------------------------------------------------

PARTS = PLAN._replace(parts=4)


@pytest.mark.parametrize('devices', [1, 2, 4])
def test_divided_gives_the_same_batches_wherever_it_lies(devices):
  mesh = parallel.mesh(8, devices)
  feed = loader.divided(source(), PARTS, mesh)
  held = feed.inputs(0)['image']
  assert held.shape == (4, 9, 2, 3, 1)
  assert held.addressable_shards[0].data.shape[0] == 4 // devices
  there = played(feed, PARTS, 8)
  for other in both(PARTS, 8):
    equal(there, other)


def test_divided_takes_equally_many_of_each_part_and_all_in_an_epoch():
  batches = played(loader.divided(source(), PARTS, parallel.mesh(8, 2)), PARTS, 6)
  shown = np.concatenate([b['label'] for b in batches])  # [R k,B]
  np.testing.assert_array_equal(shown // 9, np.broadcast_to(np.arange(8) // 2, shown.shape))
  for part in range(4):
    own = shown[:, 2 * part : 2 * part + 2].ravel()
    for epoch in range(len(own) // 9):
      once = np.sort(own[9 * epoch : 9 * epoch + 9])
      np.testing.assert_array_equal(once, np.arange(9 * part, 9 * part + 9))


def test_batches_show_parts_in_orders_of_their_own():
  shown = np.concatenate([b['label'] for b in both(PARTS, 6)[0]])
  orders = {tuple(shown[:, 2 * part : 2 * part + 2].ravel() - 9 * part) for part in range(4)}
  assert len(orders) == 4


def test_divided_draws_from_what_a_device_holds_and_sends_nothing():
  mesh = parallel.mesh(8, 4)
  feed = loader.divided(source(), PARTS, mesh)
  draw = jax.jit(feed.batches)
  program = draw.lower(feed.inputs(0), jnp.int32(0), jnp.int32(0)).compile()
  kinds = 'all-gather|all-to-all|all-reduce|collective-permute|reduce-scatter|send|recv'
  assert not re.search(rf'\b({kinds})(-start)?\(', program.as_text())
  drawn = draw(feed.inputs(0), jnp.int32(0), jnp.int32(0))
  assert drawn['image'].sharding.is_equivalent_to(parallel.split(mesh, axis=1), 5)


def test_check_refuses_parts_that_cannot_be_shared():
  with refused('resident_parts=3', '8'):
    loader.check(source(), PLAN._replace(parts=3), 10)
  with refused('resident_parts=8', '5 examples'):
    loader.check(source(5), PLAN._replace(parts=8), 10)
  with refused('resident_parts=2', '4 devices'):
    loader.divided(source(), PLAN._replace(parts=2), parallel.mesh(8, 4))
