"""DCGAN on faces, 64x64, as the authors' script trains it (Radford et al. 2016, section 4.2).

  python -m gan_jax.main --config=experiments/dcgan_faces.py --config.data.path=FOLDER

Their 350,000 face boxes were never released; any folder of aligned faces serves. Everything else
is theirs: 5x5 kernels, BatchNorm per unit after the projection, L2 1e-5, k = 1 with G first,
batches of 128, 25 epochs (68,359 rounds of 350,000 images).
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny` and `pair` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='nonsaturating')
  # L2 is added to the gradient before Adam's moments, on all weights: not AdamW.
  decay = dict(name='add_decayed_weights', weight_decay=1e-5)
  adam = dict(name='chain', links=(decay, dict(name='adam', learning_rate=2e-4, b1=0.5)))
  config = dict(
    data=dict(name='folder', split='train', path=placeholder(str), size=64, channels=3),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='uniform', dim=100, bound=1.0),
    nets=dict(
      G=dict(name='dcgan.AuthorsGenerator', inputs=('z',), width=128),
      D=dict(name='dcgan.AuthorsDiscriminator', inputs=('image',), width=128),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair)),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('G', 'D')),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=68_360,
    batch=128,
    rounds_per_call=4,
    evals=dict(samples=dict(name='figures.grids.samples', every=1000)),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4)
  return experiment(tiny(config, shape=(16, 16, 3), **small) if arg.tiny else config)
