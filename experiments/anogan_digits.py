"""AnoGAN (Schlegl et al. 2017): what a generator of nine digits cannot make is the tenth.

  python -m gan_jax.main --config=experiments/anogan_digits.py
  python -m gan_jax.main --config=experiments/anogan_digits.py:left_out=0

The game of gan_digits.py on scikit-learn's 8x8 digits without one class, whose D tells its features
too; then for each test image the z that comes nearest to it: residual + 0.1 of feature matching, as
in the paper. What is left over is the score of being unusual.

Of the 297 test digits those that are a 0, which was left out, have the larger error with a
probability of 0.940 (AUROC; seed 0, two CPU cores); mean errors 22.6 against 11.4. The
distance to the nearest training image does better, 0.981: for pictures this small no generator is
needed. Other digits were not tried.
"""

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `left_out` (a digit) and `pair` after the colon."""
  arg = parse_arg(arg, tiny=False, left_out=0, pair='nonsaturating')
  adam = dict(name='adam', learning_rate=1e-3, b1=0.0, b2=0.99)
  fit = dict(steps=200, restarts=3, learning_rate=0.1, features=0.1)
  config = dict(
    data=dict(name='without', of=dict(name='digits'), split='train', classes=(arg.left_out,)),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='normal', dim=16),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(256, 256), output='tanh'),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(256, 256), slope=0.2, heads={}),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair), penalties=(dict(name='r1', weight=0.1),)),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G')),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=5000,
    batch=64,
    rounds_per_call=50,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=2500),
      anomaly=dict(name='metrics.anomaly.anomaly', every=5000, **fit),
    ),
    log_every=500,
    checkpoint=dict(every=5000, keep=2),
  )
  small = dict(evals__anomaly__steps=2, evals__anomaly__restarts=2)
  return experiment(tiny(config, **small) if arg.tiny else config)
