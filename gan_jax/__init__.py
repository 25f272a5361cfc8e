"""gan_jax: generative adversarial networks as games, in JAX."""

__version__ = '0.1.0'
