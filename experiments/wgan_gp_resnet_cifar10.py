"""WGAN-GP's residual networks on CIFAR-10 (Gulrajani et al. 2017, gan_cifar_resnet.py).

  python -m gan_jax.main --config=experiments/wgan_gp_resnet_cifar10.py

Unconditional, which the paper scores at an Inception score of 7.86 +- .07. Five moves of the critic
to one of G, learning rates linear to 0 over 100,000 rounds. The authors' G sees batches of 128
where the critic sees 64; here both see 64.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `pair`, `width` and `rounds` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='wasserstein', width=128, rounds=100_000)

  def adam(moves):
    rate = dict(name='linear_schedule', init_value=2e-4, end_value=0.0, transition_steps=moves)
    return dict(name='adam', learning_rate=rate, b1=0.0, b2=0.9)

  config = dict(
    data=dict(name='cifar10', split='train', folder=placeholder(str)),
    transform=(dict(name='dequantise', levels=256),),
    prior=dict(name='normal', dim=128),
    nets=dict(
      G=dict(name='wgan_gp_resnet.Generator', inputs=('z',), width=arg.width),
      D=dict(name='wgan_gp_resnet.Discriminator', inputs=('image',), width=arg.width),
    ),
    objective=dict(
      name='gan', pair=dict(name=arg.pair), penalties=(dict(name='wgan_gp', weight=10.0),)
    ),
    players=dict(
      D=dict(owns=('D',), tx=adam(5 * arg.rounds)),
      G=dict(owns=('G',), tx=adam(arg.rounds)),
    ),
    play=dict(name='alternating', schedule=('G',) + ('D',) * 5),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=arg.rounds,
    batch=64,
    rounds_per_call=5,
    evals=dict(samples=dict(name='figures.grids.samples', every=1000)),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4, nets__D__kept=1)
  return experiment(tiny(config, shape=(8, 8, 3), **small) if arg.tiny else config)
