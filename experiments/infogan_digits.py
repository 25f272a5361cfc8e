"""InfoGAN (Chen et al. 2016) on the 8x8 digits of scikit-learn, with nothing to download.

  python -m gan_jax.main --config=experiments/infogan_digits.py

The game and the codes of `infogan_mnist`, played by the small perceptrons of `gan_digits` with its
R1 penalty: Q is a linear head of D's last layer. No label is used in training.

Seed 0 on two CPU cores, 3,000 rounds: Q's category of a test scan agrees with its digit for 71.4%
of 297 after matching, the code of a sample with the digit that it is read as for 72.8% of 1,000
(by a nearest-neighbour classifier that is right about 96.0% of the test scans); at round 0 17.5%
and 14.5%. Of the code's log 10 = 2.303 nats Q recovers 2.298.
"""

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny` and `pair` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='nonsaturating')
  adam = dict(name='adam', learning_rate=1e-3, b1=0.0, b2=0.99)
  D = dict(name='plain.Discriminator', hidden=(256, 256), slope=0.2, heads=dict(q=14))
  config = dict(
    data=dict(name='digits', split='train'),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='structured', noise=16, categorical=(10,), continuous=2),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(256, 256), output='tanh'),
      D=dict(D, inputs=('image',)),
    ),
    objective=dict(
      name='infogan', pair=dict(name=arg.pair), penalties=(dict(name='r1', weight=0.1),)
    ),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G')),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=3000,
    batch=64,
    rounds_per_call=50,
    evals=dict(
      figure=dict(name='figures.conditional.codes', every=1000),
      codes=dict(name='metrics.agreement.codes', every=1000),
      clusters=dict(name='metrics.agreement.clusters', every=1000, output='q', first=10),
    ),
    log_every=500,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(evals__codes__n=20, nets__G__hidden=(8,), nets__D__hidden=(8,))
  return experiment(tiny(config, **small) if arg.tiny else config)
