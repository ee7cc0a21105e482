"""Static files have names that change with their content."""

import pytest

from poweroptix.security.static import HashedStorage


@pytest.fixture
def storage(tmp_path, settings):
    settings.STATIC_ROOT = tmp_path
    made = HashedStorage(location=tmp_path, base_url="/static/")
    (tmp_path / "page.css").write_text("body { margin: 0 }")
    list(made.post_process({"page.css": (made, "page.css")}))
    return made


def test_collected_files_are_served_under_a_name_with_a_digest(storage):
    name = storage.stored_name("page.css")
    assert name.startswith("page.")
    assert name.endswith(".css")
    assert len(name) == len("page.123456789012.css")
    assert storage.exists(name)


def test_a_file_that_was_never_collected_keeps_its_name(storage):
    assert storage.stored_name("po/new.css") == "po/new.css"


def test_nothing_is_compressed_with_brotli(storage, tmp_path):
    assert not storage.create_compressor(extensions=None, quiet=True).use_brotli
    assert not list(tmp_path.glob("*.br"))
