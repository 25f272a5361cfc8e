"""SNGAN on CIFAR-10, the ResNet of Miyato et al. 2018 (table 4), unconditional, with the hinge.

  python -m gan_jax.main --config=experiments/sngan_cifar10.py

Spectral norm on every kernel of D, five D moves to one of G, learning rates linear to 0 over 50,000
rounds. The authors' G sees batches of 128 where D sees 64; here both see 64.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny` and `pair` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='hinge')

  def adam(moves):
    rate = dict(name='linear_schedule', init_value=2e-4, end_value=0.0, transition_steps=moves)
    return dict(name='adam', learning_rate=rate, b1=0.0, b2=0.9)

  config = dict(
    data=dict(name='cifar10', split='train', folder=placeholder(str)),
    transform=(dict(name='dequantise', levels=256),),
    prior=dict(name='normal', dim=128),
    nets=dict(
      G=dict(name='resnet.Generator', inputs=('z',), width=256),
      D=dict(name='resnet.Discriminator', inputs=('image',), width=128, reparam='spectral_norm'),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair)),
    players=dict(
      D=dict(owns=('D',), tx=adam(5 * 50_000)),
      G=dict(owns=('G',), tx=adam(50_000)),
    ),
    play=dict(name='alternating', schedule=('G',) + ('D',) * 5),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=50_000,
    batch=64,
    rounds_per_call=5,
    evals=dict(samples=dict(name='figures.grids.samples', every=1000)),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4, nets__D__kept=1)
  return experiment(tiny(config, shape=(8, 8, 3), **small) if arg.tiny else config)
