"""Which loss, which penalty? Five pairs, three penalties, two learning rates, three seeds.

python -m gan_jax.sweep --sweep=experiments/sweeps/losses.py --executor='local(slots=2)'

After Lucic et al. 2018 ("Are GANs created equal?"): networks, batch, rounds and the number of
learning rates that are tried are the same for each loss, so that none is tuned more than another.
Data are the 1,500 scans of 8x8 digits that come with scikit-learn; the number is the Frechet
distance, over the features of a classifier trained on them, of 1,500 samples to them.
"""

from gan_jax.config import experiment, parse_arg, tiny
from gan_jax.sweeps.trials import product

PAIRS = 'minimax', 'nonsaturating', 'least_squares', 'hinge', 'wasserstein'
PENALTIES = {
  'none': (),
  'r1': (dict(name='r1', weight=0.1),),
  'wgan_gp': (dict(name='wgan_gp', weight=1.0),),
}


def get_config(arg=''):
  """`tiny`, `pair`, `penalty` (none, r1, wgan_gp) and `rate`, of learning, after the colon."""
  arg = parse_arg(arg, tiny=False, pair='nonsaturating', penalty='r1', rate=1e-3)
  features = 'random_conv' if arg.tiny else 'classifier'
  adam = dict(name='adam', learning_rate=arg.rate, b1=0.0, b2=0.99)
  config = dict(
    data=dict(name='digits', split='train'),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='normal', dim=32),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(256, 256), output='tanh'),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(256, 256), slope=0.2),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair), penalties=PENALTIES[arg.penalty]),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G')),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=4000,
    batch=64,
    rounds_per_call=50,
    seed=0,
    evals=dict(
      frechet=dict(name='metrics.frechet.frechet', features=features, n=1500, every=1000),
      samples=dict(name='figures.grids.samples', every=4000),
    ),
    log_every=500,
    checkpoint=dict(every=2000, keep=1),
  )
  return experiment(tiny(config) if arg.tiny else config)


def get_sweep(arg=''):
  """`tiny` after the colon: two pairs and two seeds, four rounds each."""
  arg = parse_arg(arg, tiny=False)
  file = 'experiments/sweeps/losses.py'
  axes = dict(metric='frechet', better='less', rows=':pair', columns=':penalty')
  if arg.tiny:
    trials = product({':pair': PAIRS[:2], 'seed': range(2)})
    return dict(config=f'{file}:tiny', trials=trials, **{**axes, 'columns': ()})
  trials = product({':pair': PAIRS, ':penalty': PENALTIES, ':rate': (2e-4, 1e-3), 'seed': range(3)})
  return dict(config=file, trials=trials, **axes)
