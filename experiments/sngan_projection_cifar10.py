"""SNGAN with a projection discriminator on CIFAR-10 (Miyato & Koyama 2018), told the class.

  python -m gan_jax.main --config=experiments/sngan_projection_cifar10.py

The authors' 32x32 ResNets with classes (pfnet-research/sngan_projection, resnet_32, snresnet_32):
G's blocks have a scale and a bias for each class, D(x, y) = l(phi(x)) + <V y, phi(x)>, and spectral
norm is on every kernel of D, V too. The rest is `sngan_cifar10`.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `pair`, and `width` (256, D's is half of it) after the colon."""
  arg = parse_arg(arg, tiny=False, pair='hinge', width=256)

  def adam(moves):
    rate = dict(name='linear_schedule', init_value=2e-4, end_value=0.0, transition_steps=moves)
    return dict(name='adam', learning_rate=rate, b1=0.0, b2=0.9)

  D = dict(name='resnet.Discriminator', width=arg.width // 2, reparam='spectral_norm')
  config = dict(
    data=dict(name='cifar10', split='train', folder=placeholder(str)),
    transform=(dict(name='dequantise', levels=256),),
    prior=dict(name='normal', dim=128),
    nets=dict(
      G=dict(name='resnet.Generator', inputs=('z', 'label'), width=arg.width),
      D=dict(D, inputs=('image', 'label')),
    ),
    objective=dict(name='gan.conditional', pair=dict(name=arg.pair)),
    players=dict(
      D=dict(owns=('D',), tx=adam(5 * 50_000)),
      G=dict(owns=('G',), tx=adam(50_000)),
    ),
    play=dict(name='alternating', schedule=('G',) + ('D',) * 5),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=50_000,
    batch=64,
    rounds_per_call=5,
    evals=dict(classes=dict(name='figures.conditional.classes', every=1000)),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4, nets__D__kept=1)
  return experiment(tiny(config, shape=(8, 8, 3), **small) if arg.tiny else config)
