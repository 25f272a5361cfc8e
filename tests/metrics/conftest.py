"""Where stand-ins and what is made of them are kept."""

import pytest


@pytest.fixture(scope='session', autouse=True)
def _own_cache(tmp_path_factory):
  """Features of stand-ins are kept out of the user's cache."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv('GAN_JAX_DATA', str(tmp_path_factory.mktemp('cache')))
    yield
