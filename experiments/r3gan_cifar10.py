"""R3GAN on CIFAR-10, conditional: the authors' preset CIFAR10 (Huang et al. 2024, R3GAN/train.py).

  python -m gan_jax.main --config=experiments/r3gan_cifar10.py
  python -m gan_jax.main --config=experiments/r3gan_cifar10.py:width=64,batch=64,narrow=0

The paired relativistic cost with R1 and R2, real images of its own for each player, and one cosine
over 2·10⁷ images for all that changes: learning rate, Adam's b2, gamma, the half-life of G's
average and the probability of an augmentation. The paper's FID is 1.96. Geometric augmentations
interpolate once and bilinearly, where the authors' filter before and after.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny

PIPE = ('blitting', 'geometry', dict(name='colour', strength=0.5), 'cutout')


def get_config(arg=''):
  """`tiny`, `pair`, `width`, `batch`, `rounds` and `narrow` after the colon.

  The cosine goes over all `rounds`; `narrow` stages multiply in bfloat16.
  """
  arg = parse_arg(
    arg, tiny=False, pair='relativistic', width=768, batch=512, rounds=39_065, narrow=3
  )
  ramp = lambda start, end: dict(name='cosine_ramp', start=start, end=end, rounds=arg.rounds)
  adam = dict(
    name='adam_of_schedules', learning_rate=ramp(2e-4, 5e-5), b1=0.0, b2=ramp(0.9, 0.99), eps=1e-8
  )
  penalties = tuple(dict(name=name, weight=ramp(0.05, 0.005)) for name in ('r1', 'r2'))
  net = dict(width=arg.width, narrow=arg.narrow)
  config = dict(
    data=dict(name='cifar10', split='train', folder=placeholder(str)),
    transform=(dict(name='flip'), dict(name='scale', low=-1.0, high=1.0)),
    prior=dict(name='normal', dim=64),
    nets=dict(
      G=dict(name='r3gan.Generator', inputs=('z', 'label'), **net),
      D=dict(name='r3gan.Discriminator', inputs=('image', 'label'), **net),
    ),
    objective=dict(name='gan.conditional', pair=dict(name=arg.pair), penalties=penalties),
    wrappers=(
      dict(
        name='augmented',
        augmentations=('cutout',) if arg.tiny else PIPE,
        p=ramp(0.0, 0.55),
      ),
    ),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=(('D', 0), ('G', 1))),
    # 5·10⁶ of 2·10⁷ images: a quarter of what has been seen in the end.
    ema=dict(
      G=dict(name='half_life', images=ramp(0.0, arg.rounds * arg.batch / 4), batch=arg.batch)
    ),
    rounds=arg.rounds,
    batch=arg.batch,
    rounds_per_call=5,
    evals=dict(samples=dict(name='figures.grids.samples', every=500)),
    log_every=50,
    checkpoint=dict(every=1000, keep=2),
  )
  # With few blocks and one augmentation, since it is compiling them that takes long.
  small = {
    f'nets__{n}__{key}': v for n in 'GD' for key, v in dict(width=4, group=4, blocks=1).items()
  }
  return experiment(tiny(config, shape=(8, 8, 3), **small) if arg.tiny else config)
