"""R3GAN (Huang et al. 2024) on the 8x8 digits that come with scikit-learn, conditional.

  python -m gan_jax.main --config=experiments/r3gan_digits.py

The game and the schedules of r3gan_cifar10.py, with networks of two stages, and of augmentations
those that leave a digit a digit: it is moved, and a hole is cut. Seed 0, two CPU cores that had
other work too (augmentations drew other numbers in the first 1,375 rounds than they do now): after
1,500 rounds 98.2% of 1,000 samples are read as the class that was asked for, by a reader who is
right about 96.0% of held-out scans; nearest neighbours tell samples from 297 held-out scans in
86.7% of cases, where 50% would be perfect.
"""

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `pair`, `width`, `batch` and `rounds` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='relativistic', width=32, batch=64, rounds=1500)
  ramp = lambda start, end: dict(name='cosine_ramp', start=start, end=end, rounds=arg.rounds)
  adam = dict(name='adam_of_schedules', learning_rate=ramp(1e-3, 2e-4), b1=0.0, b2=ramp(0.9, 0.99))
  penalties = tuple(dict(name=name, weight=ramp(0.5, 0.05)) for name in ('r1', 'r2'))
  config = dict(
    data=dict(name='digits', split='train'),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='normal', dim=32),
    nets=dict(
      G=dict(name='r3gan.Generator', inputs=('z', 'label'), width=arg.width),
      D=dict(name='r3gan.Discriminator', inputs=('image', 'label'), width=arg.width),
    ),
    objective=dict(name='gan.conditional', pair=dict(name=arg.pair), penalties=penalties),
    wrappers=(dict(name='augmented', augmentations=('translation', 'cutout'), p=ramp(0.0, 0.3)),),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=(('D', 0), ('G', 1))),
    ema=dict(
      G=dict(name='half_life', images=ramp(0.0, arg.rounds * arg.batch / 4), batch=arg.batch)
    ),
    rounds=arg.rounds,
    batch=arg.batch,
    rounds_per_call=25,
    seed=0,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=500),
      two_sample=dict(name='metrics.two_sample.two_sample', every=500, n=297),
      asked=dict(name='metrics.agreement.asked', every=500),
    ),
    log_every=250,
    checkpoint=dict(every=500, keep=2),
  )
  # With few blocks, since it is compiling them that takes long.
  small = {
    f'nets__{n}__{key}': v for n in 'GD' for key, v in dict(width=4, group=4, blocks=1).items()
  }
  return experiment(tiny(config, **small) if arg.tiny else config)
