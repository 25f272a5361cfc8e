"""The variational autoencoder (Kingma & Welling 2014) on MNIST, the GANs' baseline.

  python -m gan_jax.main --config=experiments/vae_mnist.py --config.data.folder=FOLDER

As in Kingma's later code (dpkingma/nips14-ssl, run_gpulearn_z_x.py): 784-500-500-50-500-500-784
with softplus units, digits binarised anew each time they are seen, batches of 1000, Adam at 3e-4, a
prior N(0, 1) on all weights. Initial weights are N(0, .01^2) in E and, in G, uniform with that
deviation; those of the log-variance are 0. 'elbo/bound' is that of the 10,000 test images.

Run here for 1,200 of the 30,000 rounds, seed 0, three minutes on two busy CPU cores: the bound on
the 10,000 test images rises from -547.5 (round 0) over -192.7 (600) to -166.4 +- 0.5 nats. With
--config.batch=100, 30,000 rounds (50 epochs, the same prior on the weights), some 15 minutes on one
busy core: -122.9 (5,400), -111.8 (9,000), -98.7 +- 0.3. Its samples beside those of a DCGAN are in
docs/gallery.md.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `dim` of the code and `units` of the hidden layers after the colon."""
  arg = parse_arg(arg, tiny=False, dim=50, units=500)
  small_normal = dict(name='jax.nn.initializers.normal', stddev=0.01)
  hidden = (arg.units, arg.units)
  trunk = dict(
    name='encoders.Perceptron', hidden=hidden, activation='softplus', kernel_init=small_normal
  )
  weight_prior = dict(name='add_decayed_weights', weight_decay=1 / 60_000)
  adam = dict(name='adam', learning_rate=3e-4)
  config = dict(
    data=dict(name='mnist', split='train', folder=placeholder(str)),
    transform=(dict(name='scale', low=0.0, high=1.0), dict(name='binarise')),
    prior=dict(name='normal', dim=arg.dim),
    nets=dict(
      E=dict(
        name='encoders.Gaussian',
        inputs=('image',),
        dim=arg.dim,
        trunk=trunk,
        kernel_init=small_normal,
      ),
      G=dict(
        name='mlp.Generator',
        inputs=('z',),
        hidden=hidden,
        activations='softplus',
        iranges=0.01 * 3**0.5,
        output='sigmoid',
      ),
    ),
    objective=dict(name='vae', likelihood=dict(name='bernoulli')),
    players=dict(VAE=dict(owns=('E', 'G'), tx=dict(name='chain', links=(weight_prior, adam)))),
    play=dict(name='alternating', schedule=('VAE',)),
    rounds=30_000,
    batch=1000,
    rounds_per_call=20,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=600),
      reconstructions=dict(name='figures.reconstructions.encoded', every=600),
      elbo=dict(name='metrics.elbo.bernoulli', every=600),
    ),
    log_every=60,
    checkpoint=dict(every=3000, keep=2),
  )
  small = dict(nets__G__hidden=(8,), nets__E__trunk__hidden=(8,))
  return experiment(tiny(config, shape=(28, 28, 1), **small) if arg.tiny else config)
