"""Where the cache lies."""

from gan_jax.data import cache


def test_root_is_where_the_environment_says(tmp_path, monkeypatch):
  monkeypatch.delenv('GAN_JAX_DATA', raising=False)
  monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
  monkeypatch.setenv('HOME', str(tmp_path))
  assert cache.root() == tmp_path / '.cache' / 'gan_jax'
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'xdg'))
  assert cache.root() == tmp_path / 'xdg' / 'gan_jax'
  monkeypatch.setenv('GAN_JAX_DATA', str(tmp_path / 'own'))
  assert cache.root() == tmp_path / 'own'
  assert (tmp_path / 'own').is_dir()
