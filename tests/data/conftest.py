"""Every test of a reader packs into a cache of its own."""

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
  folder = tmp_path / 'cache'
  monkeypatch.setenv('GAN_JAX_DATA', str(folder))
  return folder
