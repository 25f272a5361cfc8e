"""EBGAN-PT (Zhao et al. 2017) on MNIST with the perceptrons of the paper's grid search.

  python -m gan_jax.main --config=experiments/ebgan_mnist.py --config.data.folder=FOLDER
  python -m gan_jax.main --config=experiments/ebgan_mnist.py:layers_g=2,size_g=1600,pt=0

The grid: 2 to 5 layers, G of 400 to 3200 units, D of 128 to 1024, Adam at 1e-3, margin 10. D's
layers are counted here as those of its encoder, the last of which is a linear code of 64 numbers;
the decoder mirrors them. Pixels lie in [0, 1].

Run here for 3,000 of the 20,000 rounds, seed 0, a minute two busy CPU cores: G draws clean zeros,
and next to nothing but zeros. Whether other corners of the grid do better was not tried yet.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `layers_g`, `size_g`, `layers_d`, `size_d`, `margin` and `pt` after the colon."""
  arg = parse_arg(
    arg, tiny=False, layers_g=3, size_g=400, layers_d=2, size_d=512, margin=10.0, pt=0.1
  )
  adam = dict(name='adam', learning_rate=1e-3)
  g, d = (arg.size_g,) * (arg.layers_g - 1), (arg.size_d,) * (arg.layers_d - 1)
  config = dict(
    data=dict(name='mnist', split='train', folder=placeholder(str)),
    transform=(dict(name='scale', low=0.0, high=1.0),),
    prior=dict(name='normal', dim=100),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=g, output='sigmoid'),
      D=dict(name='autoencoder.perceptron', inputs=('image',), hidden=d, dim=64, output='sigmoid'),
    ),
    objective=dict(name='ebgan', margin=arg.margin, pulling_away=arg.pt),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G')),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=20_000,
    batch=64,
    rounds_per_call=50,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=1000),
      reconstructions=dict(name='figures.reconstructions.autoencoded', every=5000),
    ),
    log_every=500,
    checkpoint=dict(every=5000, keep=2),
  )
  small = dict(nets__G__hidden=(8,), nets__D__hidden=(8,))
  return experiment(tiny(config, shape=(28, 28, 1), **small) if arg.tiny else config)
