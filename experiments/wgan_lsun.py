"""WGAN with weight clipping on LSUN bedrooms, 64x64 (Arjovsky et al. 2017, Algorithm 1).

  python -m gan_jax.main --config=experiments/wgan_lsun.py --config.data.path=bedroom_train_lmdb

Five critic moves to one of G, RMSProp 5e-5 as Torch has it, weights clipped to 0.01 after every
critic move. The authors' code also plays 100 critic moves in each of the first 25 rounds and in
every 500th, which the paper does not mention and this does not do. -D/loss estimates the distance.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny` and `pair` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='wasserstein')
  rmsprop = dict(name='rmsprop', learning_rate=5e-5, decay=0.99, eps=1e-8, eps_in_sqrt=False)
  clipped = dict(name='chain', links=(rmsprop, dict(name='clip_weights', limit=0.01)))
  config = dict(
    data=dict(name='lsun', split='train', path=placeholder(str), size=64, processes=2),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='normal', dim=100),
    nets=dict(
      G=dict(name='dcgan.Generator', inputs=('z',), width=64),
      D=dict(name='dcgan.Discriminator', inputs=('image',), width=64),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair)),
    players=dict(D=dict(owns=('D',), tx=clipped), G=dict(owns=('G',), tx=rmsprop)),
    play=dict(name='alternating', schedule=('D',) * 5 + ('G',)),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=200_000,
    batch=64,
    rounds_per_call=4,
    evals=dict(samples=dict(name='figures.grids.samples', every=1000)),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4)
  return experiment(tiny(config, shape=(16, 16, 3), **small) if arg.tiny else config)
