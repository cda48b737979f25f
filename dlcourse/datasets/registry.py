"""What the course's data sets are: where each file comes from, its checksum, its licence and whom to cite.

A new data set is one record in `REGISTRY`. Everything else (download, cache, `dlcourse data list`, the checksums of
`dlcourse data verify`) reads it from there. Nothing in this module touches the disk or the network.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass


@dataclass(frozen=True)
class DataFile:
    """One file of a data set: its addresses and how to know that it is the right one.

    Args:
        name: file name in the data directory and in the cache; unique in the whole registry.
        urls: addresses of the same bytes (mirrors), tried in this order.
        sha256: SHA-256 of the file as it is downloaded, 64 lower-case hexadecimal digits.
        size: size of the file as it is downloaded, in bytes.
        content_sha256: SHA-256 of the bytes that a gzip file unpacks to, or None. A copy that somebody packed again has
            another `sha256` and the same content; with this field it is accepted.
        aliases: other names under which a copy may lie in the data directory, such as a packed one.

    Raises:
        ValueError: when a checksum is not 64 hexadecimal digits, a size is not positive or no address is given.

    Example:
        >>> labels = REGISTRY["mnist"].file("t10k-labels-idx1-ubyte.gz")
        >>> labels.size, labels.sha256[:8]
        (4542, 'f7ae60f9')

    Used in: Lab 02
    """

    name: str
    urls: tuple[str, ...]
    sha256: str
    size: int
    content_sha256: str | None = None
    aliases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in ("sha256", "content_sha256"):
            digest = getattr(self, field)
            if field == "content_sha256" and digest is None:
                continue
            if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
                raise ValueError(
                    f"{self.name}: {field} must be 64 lower-case hexadecimal digits, got {digest!r}. "
                    "`sha256sum FILE` prints it."
                )
        if self.size <= 0:
            raise ValueError(f"{self.name}: size must be a positive number of bytes, got {self.size}.")
        if not self.urls:
            raise ValueError(f"{self.name}: at least one address is needed in urls, got none.")


@dataclass(frozen=True)
class DatasetRecord:
    """One data set: what it holds, its files, its licence and its source.

    Args:
        name: short name, as typed on the command line (`dlcourse data fetch NAME`).
        title: the name in full.
        summary: rows and columns in a few words.
        licence: licence under which the data may be used.
        citation: whom to cite.
        homepage: the official page.
        loader: name of the function in `dlcourse.datasets` that reads it.
        files: what has to be downloaded; empty when a library brings the data.
        ships_with: the library that brings the data, or None when there are files to download.

    Raises:
        ValueError: when the data set has neither files nor a library that brings it, or both.

    Example:
        >>> REGISTRY["iris"].ships_with
        'scikit-learn'
        >>> REGISTRY["mnist"].size
        11594722

    Used in: Lab 02
    """

    name: str
    title: str
    summary: str
    licence: str
    citation: str
    homepage: str
    loader: str
    files: tuple[DataFile, ...] = ()
    ships_with: str | None = None

    def __post_init__(self) -> None:
        if bool(self.files) == bool(self.ships_with):
            raise ValueError(
                f"{self.name}: a data set either has files or ships with a library, got files={len(self.files)} and "
                f"ships_with={self.ships_with!r}. Give exactly one of the two."
            )

    @property
    def size(self) -> int:
        """Bytes to download for the whole data set; 0 when a library brings it."""
        return sum(file.size for file in self.files)

    def file(self, name: str) -> DataFile:
        """Return the file of this data set that is called `name`; ValueError when there is none."""
        for file in self.files:
            if file.name == name:
                return file
        names = ", ".join(file.name for file in self.files) or f"no files: it ships with {self.ships_with}"
        raise ValueError(f"{self.name} has no file {name!r}. It has {names}.")


# yann.lecun.com comes last: it is the origin of the data, but refuses most requests.
_MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://yann.lecun.com/exdb/mnist/",
)


def _mnist_file(name: str, size: int, sha256: str, content_sha256: str) -> DataFile:
    urls = tuple(mirror + name for mirror in _MNIST_MIRRORS)
    return DataFile(name, urls, sha256=sha256, size=size, content_sha256=content_sha256)


# Plain and packed copies are both around, so the file's checksum is its content's as well.
_WEATHER_2020 = "34ee981d07313e51da2a50bb600072c8ae4a69cb4b0651f4cb93a069d7a2ba63"

_DATASETS = (
    DatasetRecord(
        name="iris",
        title="Iris flowers",
        summary="150 flowers, 4 lengths in cm, 3 species",
        licence="CC BY 4.0 (UCI); the copy in scikit-learn: BSD 3-Clause",
        citation="R. A. Fisher, The use of multiple measurements in taxonomic problems, Annals of Eugenics 7 (1936)",
        homepage="https://archive.ics.uci.edu/dataset/53/iris",
        loader="load_iris",
        ships_with="scikit-learn",
    ),
    DatasetRecord(
        name="digits",
        title="Optical recognition of handwritten digits",
        summary="1,797 images of 8x8 pixels, 10 digits",
        licence="CC BY 4.0 (UCI); the copy in scikit-learn: BSD 3-Clause",
        citation="E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI (1998)",
        homepage="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
        loader="load_digits",
        ships_with="scikit-learn",
    ),
    DatasetRecord(
        name="breast_cancer",
        title="Breast cancer Wisconsin (diagnostic)",
        summary="569 tumours, 30 measurements of their cell nuclei, 2 classes",
        licence="CC BY 4.0 (UCI); the copy in scikit-learn: BSD 3-Clause",
        citation="W. H. Wolberg, W. N. Street and O. L. Mangasarian, Breast Cancer Wisconsin (Diagnostic), UCI (1995)",
        homepage="https://archive.ics.uci.edu/dataset/17/breast+cancer+wisconsin+diagnostic",
        loader="load_breast_cancer",
        ships_with="scikit-learn",
    ),
    DatasetRecord(
        name="mnist",
        title="MNIST handwritten digits",
        summary="60,000 + 10,000 images of 28x28 pixels, 10 digits",
        licence="CC BY-SA 3.0",
        citation="Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten digits (1998)",
        homepage="https://yann.lecun.com/exdb/mnist/",
        loader="load_mnist",
        files=(
            _mnist_file(
                "train-images-idx3-ubyte.gz",
                9_912_422,
                sha256="440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                content_sha256="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            _mnist_file(
                "train-labels-idx1-ubyte.gz",
                28_881,
                sha256="3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                content_sha256="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            _mnist_file(
                "t10k-images-idx3-ubyte.gz",
                1_648_877,
                sha256="8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                content_sha256="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            _mnist_file(
                "t10k-labels-idx1-ubyte.gz",
                4_542,
                sha256="f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                content_sha256="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ),
    ),
    DatasetRecord(
        name="credit",
        title="Statlog German credit",
        summary="1,000 credits, 20 columns of mixed type, good or bad",
        licence="CC BY 4.0",
        citation="H. Hofmann, Statlog (German Credit Data), UCI (1994); codes: U. Groemping, Beuth Berlin (2019)",
        homepage="https://archive.ics.uci.edu/dataset/144/statlog+german+credit+data",
        loader="load_credit",
        files=(
            DataFile(
                "german.data",
                ("https://archive.ics.uci.edu/ml/machine-learning-databases/statlog/german/german.data",),
                sha256="b21f3d81db8071257d5ff1deaeba1fd4303b62712e6fcc9715c7a86202cb5871",
                size=79_793,
            ),
        ),
    ),
    DatasetRecord(
        name="weather",
        title="Weather of Jena 2020",
        summary="52,696 rows every 10 minutes, 21 columns",
        licence="none stated; cite the institute",
        citation="Max Planck Institute for Biogeochemistry, Jena; H. Wu et al., Autoformer, NeurIPS (2021)",
        homepage="https://www.bgc-jena.mpg.de/wetter/",
        loader="load_jena",
        files=(
            DataFile(
                "weather.csv",
                ("https://huggingface.co/datasets/thuml/Time-Series-Library/resolve/main/weather/weather.csv",),
                sha256=_WEATHER_2020,
                size=7_235_425,
                content_sha256=_WEATHER_2020,
                aliases=("jena_weather_2020.csv.gz",),
            ),
        ),
    ),
)

REGISTRY: dict[str, DatasetRecord] = {dataset.name: dataset for dataset in _DATASETS}


def list_datasets() -> tuple[DatasetRecord, ...]:
    """Return every data set of the course, in the order of the registry.

    Returns:
        One `DatasetRecord` record each; no file is read.

    Example:
        >>> [dataset.name for dataset in list_datasets()]
        ['iris', 'digits', 'breast_cancer', 'mnist', 'credit', 'weather']

    Used in: `dlcourse data list`
    """
    return tuple(REGISTRY.values())


def get_dataset(name: str) -> DatasetRecord:
    """Return the record of the data set called `name`.

    Args:
        name: short name, such as "mnist".

    Returns:
        The `DatasetRecord`.

    Raises:
        ValueError: for an unknown name; the message gives the close ones.

    Example:
        >>> get_dataset("mnist").licence
        'CC BY-SA 3.0'

    Used in: `dlcourse data`
    """
    if name in REGISTRY:
        return REGISTRY[name]
    raise ValueError(_unknown("data set", name, list(REGISTRY)))


def get_file(name: str) -> DataFile:
    """Return the record of the file called `name`, whichever data set it belongs to.

    Args:
        name: file name, such as "t10k-labels-idx1-ubyte.gz".

    Returns:
        The `DataFile`.

    Raises:
        ValueError: for an unknown name; the message gives the close ones, or says that the name is a data set's.

    Example:
        >>> get_file("t10k-labels-idx1-ubyte.gz").size
        4542

    Used in: Lab 02
    """
    if name in REGISTRY:
        raise ValueError(f"{name!r} is a data set, not a file. Use fetch_dataset({name!r}), or name one of its files.")
    files = {file.name: file for dataset in REGISTRY.values() for file in dataset.files}
    if name in files:
        return files[name]
    raise ValueError(_unknown("file", name, list(files)))


def _unknown(kind: str, name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(str(name), known, n=3, cutoff=0.6)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"Known: {', '.join(known) or 'none'}."
    return f"There is no {kind} called {name!r}. {hint}"
