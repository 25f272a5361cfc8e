"""A convolutional variational autoencoder on any folder of pictures: what a GAN is held against.

  python -m gan_jax.main --config=experiments/vae_folder.py --config.data.path=FOLDER

DCGAN's generator is the decoder, its discriminator's way down the encoder; p(x|z) is a Gaussian
about the image with one sigma for all pixels, whose choice weighs sharpness against the code
(Kingma & Welling 2014, app. C.2). 'elbo/bound' is of the first images of the training set.

Not yet trained here beyond `:tiny`: there is no number to expect.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `size`, `width`, `dim` of the code and `sigma` after the colon."""
  arg = parse_arg(arg, tiny=False, size=64, width=64, dim=64, sigma=0.2)
  config = dict(
    data=dict(
      name='folder', split='train', path=placeholder(str), size=arg.size, channels=placeholder(int)
    ),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='normal', dim=arg.dim),
    nets=dict(
      E=dict(
        name='encoders.Gaussian',
        inputs=('image',),
        dim=arg.dim,
        trunk=dict(name='encoders.Pyramid', width=arg.width),
      ),
      G=dict(name='dcgan.Generator', inputs=('z',), width=arg.width),
    ),
    objective=dict(name='vae', likelihood=dict(name='gaussian', sigma=arg.sigma)),
    players=dict(VAE=dict(owns=('E', 'G'), tx=dict(name='adam', learning_rate=5e-4))),
    play=dict(name='alternating', schedule=('VAE',)),
    rounds=50_000,
    batch=64,
    rounds_per_call=5,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=250),
      reconstructions=dict(name='figures.reconstructions.encoded', every=250, split='train'),
      elbo=dict(name='metrics.elbo.gaussian', every=250, split='train', sigma=arg.sigma, n=1000),
    ),
    log_every=50,
    checkpoint=dict(every=500, keep=2),
  )
  small = dict(nets__G__width=4, nets__E__trunk__width=4)
  return experiment(
    tiny(config, shape=(arg.size // 4, arg.size // 4, 3), **small) if arg.tiny else config
  )
