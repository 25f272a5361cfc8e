"""DCGAN on LSUN bedrooms, 64x64 (Radford et al. 2016, section 4.1).

  python -m gan_jax.main --config=experiments/dcgan_lsun.py --config.data.path=bedroom_train_lmdb

The network and the optimiser are those of the authors' faces script, the nearest that they have
published: 5x5 kernels, BatchNorm with eps 1e-8 and the batch's own statistics, L2 1e-5, G first. On
all 3,033,042 bedrooms an epoch is 23,696 rounds; the paper shows one epoch and five.
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
    data=dict(name='lsun', split='train', path=placeholder(str), size=64, processes=2),
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
    rounds=5 * 23_696 // 4 * 4,
    batch=128,
    rounds_per_call=4,
    evals=dict(samples=dict(name='figures.grids.samples', every=1000)),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4)
  return experiment(tiny(config, shape=(16, 16, 3), **small) if arg.tiny else config)
