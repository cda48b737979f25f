from __future__ import annotations

from pathlib import Path

import pytest

import dlcourse.datasets
from dlcourse.datasets import REGISTRY, DataFile, DatasetRecord, get_dataset, get_file, list_datasets

README = Path(__file__).parents[2] / "data" / "README.md"
FILES = [file for dataset in list_datasets() for file in dataset.files]


def test_every_entry_and_every_file_stands_in_the_readme_with_its_licence_and_checksums() -> None:
    rows = [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    for dataset in list_datasets():
        (row,) = [row for row in rows if row.startswith(f"| {dataset.name} | {dataset.title}")]
        assert dataset.summary in row
        assert dataset.licence in row
        assert dataset.homepage in row
        assert f"`{dataset.loader}()`" in row
        if dataset.ships_with:
            assert f"ships with {dataset.ships_with}" in row
        for file in dataset.files:
            (row,) = [row for row in rows if row.startswith(f"| {dataset.name} | {file.name} ")]
            assert f"| {file.size:,} | {file.sha256} | {file.content_sha256} |" in row


def test_no_data_set_is_stored_in_the_repository() -> None:
    assert not [file.name for file in FILES if (README.parent / file.name).exists()]


def test_file_names_are_unique_since_all_files_share_one_folder() -> None:
    names = [file.name for file in FILES]
    assert len(names) == len(set(names))


def test_every_loader_exists_in_the_package() -> None:
    for dataset in list_datasets():
        assert callable(getattr(dlcourse.datasets, dataset.loader))


def test_every_address_is_https_and_ends_in_its_file() -> None:
    for file in FILES:
        assert all(url.startswith("https://") and url.endswith(f"/{file.name}") for url in file.urls)


def test_mnist_is_the_four_official_files_from_three_mirrors() -> None:
    mnist = get_dataset("mnist")
    assert [file.size for file in mnist.files] == [9_912_422, 28_881, 1_648_877, 4_542]
    assert {len(file.urls) for file in mnist.files} == {3}


@pytest.mark.parametrize(
    ("look_up", "name", "hint"),
    [
        (get_dataset, "mnits", "Did you mean mnist?"),
        (get_dataset, "zzz", "Known: iris, digits, breast_cancer, mnist, credit, weather."),
        (get_file, "t10k-images.gz", "Did you mean t10k-images-idx3-ubyte.gz"),
        (get_file, "mnist", "is a data set, not a file"),
        (REGISTRY["iris"].file, "iris.csv", "ships with scikit-learn"),
    ],
)
def test_an_unknown_name_is_answered_with_the_close_ones(look_up: object, name: str, hint: str) -> None:
    with pytest.raises(ValueError, match=name) as caught:
        look_up(name)
    assert hint in str(caught.value)


def test_a_record_with_a_bad_checksum_size_or_no_address_is_refused() -> None:
    good = {"name": "a.gz", "urls": ("https://example.org/a.gz",), "sha256": "0" * 64, "size": 1}
    DataFile(**good)
    for change, message in [
        ({"sha256": "0" * 63}, "sha256 must be 64"),
        ({"sha256": "G" * 64}, "sha256 must be 64"),
        ({"content_sha256": "abc"}, "content_sha256 must be 64"),
        ({"size": 0}, "positive number of bytes"),
        ({"urls": ()}, "at least one address"),
    ]:
        with pytest.raises(ValueError, match=message):
            DataFile(**(good | change))


def test_a_data_set_has_files_or_ships_with_a_library_and_not_both() -> None:
    texts = ("demo", "Demo", "nothing", "CC0", "nobody", "https://example.org", "load_iris")
    with pytest.raises(ValueError, match="exactly one"):
        DatasetRecord(*texts)
    with pytest.raises(ValueError, match="exactly one"):
        DatasetRecord(*texts, files=REGISTRY["mnist"].files, ships_with="scikit-learn")
